"""The contract of amrg's backbones, on this plugin's miniature."""

from amrg_internvl import InternVL

from backbones.contract import check
from benchmark.tuning.contract import CLAUSES


def test_the_plugin_keeps_the_contract() -> None:
    broken = [f"{clause.sentence}: {clause.reason}" for clause in check(InternVL, CLAUSES) if not clause.kept]
    assert not broken, "\n".join(broken)
