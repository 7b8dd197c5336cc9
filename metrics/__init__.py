"""Scores of mammography reports: text, clinical content, grounding and their statistics."""
