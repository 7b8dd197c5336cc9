"""The kinds of finding that labels have, known without the labeler's rules."""

KINDS = (
    "mass",
    "calcification",
    "asymmetry",
    "architectural_distortion",
    "lymph_node",
    "skin",
    "nipple",
    "pectoral",
)
"""The kinds of finding, in the order in which they are reported."""

ANATOMY = ("skin", "nipple", "pectoral")
"""Kinds that are always there: "present" means that something is wrong with them."""
