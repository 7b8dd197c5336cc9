"""Baselines by name, known without what predicts."""

BASELINES: dict[str, str] = {
    "most_frequent_report": "the most frequent training report, for every image",
    "random_report": "a random training report: the mean of 20 draws",
    "neighbour_report": "the training report with the nearest id",
    "best_constant": "the training report with the highest mean ROUGE-L to all training reports, for every image",
    "birads_oracle_random": "given the right BI-RADS category: a random training report of it, the mean of 20 draws",
    "birads_oracle_modal": "given the right BI-RADS category: its most frequent training report",
    "nearest_image": "the report of the nearest training image, by open_clip features",
}
"""What each baseline predicts, by name; all but the last look at no image."""
