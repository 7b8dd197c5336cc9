"""What the entry of a suite stands for: a plugin, or one made of a checkpoint's own files."""
