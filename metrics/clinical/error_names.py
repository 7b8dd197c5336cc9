"""The types of error in a report, known without what counts them."""

TYPES = (
    "false_finding",
    "missing_finding",
    "mischaracterization",
    "wrong_location_laterality",
    "incorrect_birads",
    "incorrect_breast_density",
)
