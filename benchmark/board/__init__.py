"""A leaderboard: what it says (`model`), how stored results become it (`collect`), and how it is shown."""
