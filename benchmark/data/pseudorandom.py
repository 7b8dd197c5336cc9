"""What looks random and is the same on every machine and in every version: orders by a hash, draws by an id."""

import hashlib
import random
from collections.abc import Sequence

from benchmark.data.study import Study

DRAWS = 20
"""Draws that stand for the expectation of a choice at random, one by one from seed 0 on."""


def shuffle_key(seed: int, text: str) -> bytes:
    """Return a key to sort by: the SHA-256 of the seed and a text that names one thing."""
    return hashlib.sha256(f"{seed} {text}".encode()).digest()


def pick(train: Sequence[Study], seed: int, study: Study) -> Study:
    """Return a training study at random: the same one for the same seed and id, whatever else is picked."""
    return random.Random(f"{seed} {study.id}").choice(train)
