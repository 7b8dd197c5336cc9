"""Folds: every study is tested once, none beside a part of its block, and folds are alike."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_split import archives

from benchmark.data.blocks import blocks_of
from benchmark.data.dmid import read
from benchmark.data.folds import cross_validation, pooled, pooled_leakage
from benchmark.data.leakage import leakage
from benchmark.data.study import Study
from benchmark.errors import UserError
from benchmark.phantoms.write import write


@given(archives(), st.integers(3, 6), st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_every_study_is_tested_and_validates_once_and_no_block_is_parted(
    studies: list[Study], folds: int, seed: int
) -> None:
    blocks = blocks_of(studies)
    if len(set(blocks.values())) < folds:
        with pytest.raises(UserError, match=f"dealt into {folds} folds"):
            cross_validation(studies, folds, seed=seed)
        return
    splits = cross_validation(studies, folds, seed=seed)
    ids = sorted(study.id for study in studies)
    assert sorted(i for split in splits for i in split.test) == ids
    assert sorted(i for split in splits for i in split.validation) == ids
    for split in splits:
        assert sorted((*split.train, *split.validation, *split.test)) == ids
        train, validation, test = ({blocks[i] for i in ids} for ids in (split.train, split.validation, split.test))
        assert min(len(train), len(validation), len(test)) > 0
        assert len(train | validation | test) == len(train) + len(validation) + len(test)
    assert len({split.fingerprint for split in splits}) == folds
    assert [split.fingerprint for split in cross_validation(studies[::-1], folds, seed=seed)] == [
        split.fingerprint for split in splits
    ]
    assert pooled(splits, studies).test == tuple(sorted(ids, key={s.id: s.number for s in studies}.__getitem__))


def test_folds_of_phantoms_are_alike_and_long_blocks_are_tested_too(tmp_path: Path) -> None:
    write(tmp_path, studies=300, seed=1, size=64)
    studies = read(tmp_path).studies
    by_id = {study.id: study for study in studies}
    splits = cross_validation(studies, 5)
    sizes = [len(split.test) for split in splits]
    assert max(sizes) - min(sizes) <= 4
    counts = [Counter((by_id[i].highest_birads or "")[:1] for i in split.test) for split in splits]
    for category, number in Counter((s.highest_birads or "")[:1] for s in studies).items():
        shares = [count[category] for count in counts]
        assert max(shares) - min(shares) <= max(4, number / 5), category
    longest = max(Counter(splits[0].blocks.values()).values())
    assert longest > 4
    assert any(max(Counter(split.blocks[i] for i in split.test).values()) == longest for split in splits)


def test_what_folds_let_through_adds_up(tmp_path: Path) -> None:
    write(tmp_path, studies=60, seed=2, size=64)
    studies = read(tmp_path).studies
    splits = cross_validation(studies, 3)
    each = [leakage(split, studies) for split in splits]
    together = pooled_leakage(each)
    assert together.test == len(studies)
    assert together.block_in_train == 0
    assert together.verbatim_in_train == sum(one.verbatim_in_train for one in each)
    assert sum(together.birads["test"].values()) == sum(together.birads["validation"].values()) == len(studies)
    assert sum(together.birads["train"].values()) == len(studies)
    drawn = [one.rouge_l_of_random for one in each]
    assert min(drawn) <= together.rouge_l_of_random <= max(drawn)


def test_too_few_blocks_are_refused_with_what_to_do(tmp_path: Path) -> None:
    write(tmp_path, studies=12, seed=0, size=64)
    studies = read(tmp_path).studies
    with pytest.raises(UserError, match=r"can't be dealt into 20 folds. Give the suite's split fewer folds"):
        cross_validation(studies, 20)
