"""Predictions → scores: baselines, controls, references, rescoring."""
