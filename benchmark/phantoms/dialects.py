"""Names of the dialects of phantoms' reports, known without what writes them."""

DIALECTS = ("dmid", "acr", "letter", "structured", "impression")
BASE_DIALECTS = tuple(name for name in DIALECTS if name != "dmid")
