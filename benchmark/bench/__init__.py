"""Contenders around the same pipeline: what the packed sweep is worth beside a training script."""
