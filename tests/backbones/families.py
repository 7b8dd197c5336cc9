"""The model classes that plugins here stand on."""

FAMILIES = ("medgemma-4b-it", "llava-med-7b", "qwen2.5-vl-3b", "qwen3-vl-4b", "paligemma2-3b", "smolvlm-2.2b")
"""One backbone of each."""
