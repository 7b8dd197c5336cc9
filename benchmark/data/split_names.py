"""Names of the rules that part data, known without the rules."""

RULES = ("blocked", "random", "sequential")
