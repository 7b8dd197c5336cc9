"""Which training reports are shown as examples: by a fixed order, different ones, of no block that is tested."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data.examples import choose_examples
from benchmark.data.split import Split
from benchmark.data.study import Study
from benchmark.errors import UserError
from benchmark.forms.untuned import FewShot, prompt_of


def _studies(number: int, texts: int = 10_000) -> list[Study]:
    return [
        Study(f"Img{i:03d}", None, f"Report  {i % texts}.\n", density=None, birads=("1",)) for i in range(1, number + 1)
    ]


def _split(studies: Sequence[Study], size: int) -> Split:
    """Parts of thirds, whose blocks of `size` studies may lie in two of them."""
    ids = [study.id for study in studies]
    third = len(ids) // 3
    blocks = {i: f"block {place // size}" for place, i in enumerate(ids)}
    return Split("file", None, tuple(ids[:third]), tuple(ids[third : 2 * third]), tuple(ids[2 * third :]), blocks)


@given(number=st.integers(30, 90), size=st.integers(1, 4), k=st.integers(1, 3), seed=st.integers(0, 9))
def test_they_are_of_train_alone_and_of_different_blocks_as_far_as_there_are_any(
    number: int, size: int, k: int, seed: int
) -> None:
    studies = _studies(number)
    split = _split(studies, size)
    asked = FewShot(few_shot=k, seed=seed)
    whole = {split.blocks[i] for i in split.train} - {split.blocks[i] for i in (*split.validation, *split.test)}
    try:
        chosen = choose_examples(studies, split, asked)
    except UserError:
        assert sum(split.blocks[i] in whole for i in split.train) < k
        return
    assert len(set(chosen)) == k
    assert set(chosen) <= set(split.train)
    blocks = [split.blocks[i] for i in chosen]
    assert len(set(blocks)) == min(k, len(whole))
    assert not set(blocks) & {split.blocks[i] for i in (*split.validation, *split.test)}
    assert choose_examples(list(reversed(studies)), split, asked) == chosen
    # More of them begin with the same ones.
    if k > 1:
        assert choose_examples(studies, split, FewShot(few_shot=k - 1, seed=seed)) == chosen[:-1]


def test_another_seed_chooses_others() -> None:
    studies = _studies(90)
    split = _split(studies, 1)
    chosen = {choose_examples(studies, split, FewShot(few_shot=3, seed=seed)) for seed in range(8)}
    assert len(chosen) > 4


def test_the_same_report_isnt_shown_twice_and_too_few_are_refused_with_their_number() -> None:
    studies = _studies(60, texts=2)
    with pytest.raises(UserError, match=r"few_shot 3 .* has 2\."):
        choose_examples(studies, _split(studies, 1), FewShot(few_shot=3))


def test_reports_stand_before_the_prompt_in_their_order() -> None:
    assert prompt_of("Write.") == "Write."
    text = prompt_of("Write.", ["First report.", "Second report."])
    assert text.index("Report 1:\nFirst report.") < text.index("Report 2:\nSecond report.") < text.index("Write.")
