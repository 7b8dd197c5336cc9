"""Reports of phantoms, written from the truth in several dialects.

`dmid` has the manner of the DMID reports: two header templates, "soft opacity" for mass, the category in the header
and again behind the finding, rare typing errors. The others are what a base model is trained on before it is tuned:
they say the same things in other words and another order.
"""

from collections.abc import Callable

import numpy as np

from benchmark.errors import unknown_name
from benchmark.phantoms.dialects import DIALECTS
from benchmark.phantoms.truth import PhantomTruth
from benchmark.phantoms.wording import acr, impression, letter, structured
from benchmark.phantoms.wording_dmid import dmid

_Grammar = Callable[[PhantomTruth, np.random.Generator, np.random.Generator], str]
_GRAMMARS: dict[str, _Grammar] = dict(zip(DIALECTS, (dmid, acr, letter, structured, impression), strict=True))


def report(truth: PhantomTruth, dialect: str, *, seed: int) -> str:
    """Write the report of a phantom.

    Images of one patient share the wording's larger choices, so that the reports of neighbours are near-identical.

    Args:
        truth: what the image shows.
        dialect: one of `DIALECTS`.
        seed: of the wording; the same arguments give the same text.

    Returns:
        The text, lines separated by one newline, without a newline at its end.

    Raises:
        UserError: no such dialect.
    """
    check_dialect(dialect)
    index = DIALECTS.index(dialect)
    style = np.random.default_rng([seed, 10, index, truth.patient])
    detail = np.random.default_rng([seed, 11, index, truth.number])
    return _GRAMMARS[dialect](truth, style, detail)


def check_dialect(dialect: str) -> None:
    """Refuse a dialect that isn't in `DIALECTS`.

    Raises:
        UserError: with the nearest names.
    """
    if dialect not in _GRAMMARS:
        raise unknown_name("dialect", dialect, DIALECTS)
