"""METEOR's process: its formula against its own answers, and that it can't hang."""

import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known import known

from metrics.errors import MetricUnavailable
from metrics.text.meteor_jar import MeteorProcess, NotAligned, _shared, meteor_statistics, meteor_value

WORDS = [
    "no",
    "mass",
    "masses",
    "opacity",
    "is",
    "was",
    "seen",
    "in",
    "the",
    "a",
    "breast",
    "breasts",
    "benign",
    "spiculated",
    "irregular",
    "margin",
]
texts = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=6))
def test_scores_from_sums_are_the_jar_s_own(pairs: list[tuple[str, str]]) -> None:
    hypotheses, references = zip(*pairs, strict=True)
    statistics = meteor_statistics(hypotheses, references)
    lines = [" ".join(map(str, _shared.statistics(h, r))) for h, r in pairs]
    *reports, corpus = _shared.evaluate(lines)
    np.testing.assert_allclose(meteor_value(statistics), reports, atol=1e-12)
    assert meteor_value(statistics.sum(axis=0)) == pytest.approx(corpus, abs=1e-12)


def test_separators_and_line_breaks_in_a_text_do_not_break_the_protocol() -> None:
    odd = _shared.statistics("no mass\n||| seen |||\r\n\u2028here", "no ||| mass seen here")
    np.testing.assert_array_equal(odd, _shared.statistics("no mass seen here", "no mass seen here"))


def test_a_process_that_died_is_started_again() -> None:
    before, starts = _shared.statistics("a mass", "the mass"), _shared.starts
    process = known(_shared._process)
    process.kill()
    process.wait()
    np.testing.assert_array_equal(_shared.statistics("a mass", "the mass"), before)
    assert _shared.starts == starts + 1


def test_a_process_that_does_not_answer_is_replaced_once_and_then_given_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    silent = tmp_path / "java"
    silent.write_text("#!/bin/sh\nexec sleep 600\n")
    silent.chmod(0o755)
    monkeypatch.setattr("metrics.text.meteor_jar.java", lambda: str(silent))
    process = MeteorProcess(start_seconds=0.05, answer_seconds=0.2)
    with pytest.raises(MetricUnavailable, match="twice"):
        process.statistics("a", "b")
    assert process.starts == 2
    assert process._process is None


def test_a_pair_that_is_not_aligned_in_time_is_given_up_at_once_and_the_next_is_aligned() -> None:
    process = MeteorProcess(answer_seconds=0.2)
    words = ["mass", "skin", "nipple", "upper", "outer", "quadrant"] * 120
    with pytest.raises(NotAligned, match="720 and 720 words"):
        process.statistics(" ".join(reversed(words)), " ".join(words))
    process.answer_seconds = 30
    np.testing.assert_array_equal(process.statistics("a mass", "the mass"), _shared.statistics("a mass", "the mass"))
    process.close()


def test_time_that_the_machine_gives_to_others_is_not_counted() -> None:
    process = MeteorProcess(answer_seconds=2)
    expected = process.statistics("a mass", "the mass")
    assert process._process is not None
    jar = psutil.Process(process._process.pid)
    jar.suspend()  # as where others have the processor
    threading.Timer(3, jar.resume).start()
    np.testing.assert_array_equal(process.statistics("a mass", "the mass"), expected)
    assert process.starts == 1
    process.close()


def test_pairs_beyond_the_limit_are_not_tried_and_the_others_keep_their_values() -> None:
    long = " ".join(["mass"] * 1100)
    [first, none, last] = meteor_statistics(["a mass", long, "no mass"], ["the mass", long, "a mass"])
    assert np.isnan(none).all()
    np.testing.assert_array_equal([first, last], meteor_statistics(["a mass", "no mass"], ["the mass", "a mass"]))
