"""Scores of clinical content, from labels."""
