"""What the miniatures of plugins here are built from, a family a file.

Their weights are stored or kept by a digest of what stands here, so none of it may change: an automatic miniature
(`backbones.automatic`) of the same class is another one.
"""
