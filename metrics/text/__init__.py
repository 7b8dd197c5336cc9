"""Scores of language: ROUGE, BLEU, METEOR, CIDEr, each with its signature."""
