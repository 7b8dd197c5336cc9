"""Intervals, comparisons and ranks from per-report scores."""
