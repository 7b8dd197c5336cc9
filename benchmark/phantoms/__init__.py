"""Digital phantoms: drawn archives in DMID's layout, and the miniatures that learn from them."""
