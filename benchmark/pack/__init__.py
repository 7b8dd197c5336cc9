"""A pack: trials that share a loaded backbone and run together, from image features to scores."""
