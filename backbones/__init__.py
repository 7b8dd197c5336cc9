"""Vision-language backbones: one family a file, all behind `backbones.base.Backbone`."""
