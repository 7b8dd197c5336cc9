"""transformers' conversion of sentencepiece's tokenizers."""

from collections.abc import Mapping


def merges_by_score(vocabulary: Mapping[str, int], scores: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return the merges of sentencepiece's pieces in the order of their scores."""
    from transformers.tokenization_utils_base import generate_merges

    return generate_merges(vocabulary, dict(scores))
