"""Documents of a leaderboard: markdown, figures, tables, gallery, model cards."""
