"""The labeler's measured agreement: of this labeler, arithmetically right, and made again where the reports lie."""

from pathlib import Path

import numpy as np
import pytest
from agreement import FILE, accepted, data_set, f1_interval, field_of, measure, text_of
from scipy.stats import beta
from sklearn.metrics import precision_recall_fscore_support

from metrics.labels.labeler import label
from metrics.labels.measured import measured, measured_of
from metrics.labels.version import signature

pytestmark = pytest.mark.numeric
KINDS = ("a", "b", "c")


def test_the_file_is_of_this_labeler() -> None:
    assert measured().labeler == signature(), (
        "labels have changed since agreement was measured: where the labelled reports lie, run "
        "`AMRG_GOLD=<folder> AMRG_DMID=<folder> python tests/metrics/agreement.py`"
    )


def test_a_labeler_of_another_version_has_no_agreement() -> None:
    assert measured_of(signature()) is measured_of(f"{signature()}|sha256:9ed34aa2a962") is measured()
    assert measured_of("amrg-rules/0.9") is None
    assert measured_of("") is None


def test_made_again_it_is_the_same(gold: Path, dmid: Path) -> None:
    assert text_of(measure(gold, dmid)) == FILE.read_text(encoding="utf-8")


def test_its_figures_follow_from_its_counts() -> None:
    for one in measured().data_sets:
        right, n = one.wholly_right, one.reports
        assert one.low == pytest.approx(beta.ppf(0.025, right, n - right + 1), abs=1e-4)
        assert one.high == pytest.approx(1.0 if right == n else beta.ppf(0.975, right + 1, n - right), abs=1e-4)
        for field in one.fields:
            assert field.both <= min(field.by_hand, field.by_rules)
            assert (field.precision is None) == (field.by_rules == 0)
            assert (field.recall is None) == (field.by_hand == 0)
            if field.f1 is None or field.low is None or field.high is None:
                assert (field.f1, field.low, field.high) == (None, None, None)
                continue
            assert field.f1 == pytest.approx(2 * field.both / (field.by_hand + field.by_rules), abs=1e-4)
            assert field.low <= field.f1 <= field.high


def test_a_field_s_figures_are_sklearn_s() -> None:
    random = np.random.default_rng(0)
    hand, rules = random.random((2, 40, len(KINDS))) < 0.4
    stated = [[{k for k, said in zip(KINDS, row, strict=True) if said} for row in side] for side in (hand, rules)]
    field = field_of("findings", *stated)
    expected = precision_recall_fscore_support(hand, rules, average="micro")[:3]
    assert (field.precision, field.recall, field.f1) == pytest.approx(expected, abs=1e-4)
    assert field.low is not None
    assert field.high is not None
    assert 0 < field.low < expected[2] < field.high < 1


def test_where_reports_state_one_thing_the_interval_is_exact() -> None:
    # 3 of 4 that either reads: Clopper and Pearson, 0.1941 to 0.9937, as F1 = 2 J / (1 + J).
    low, high = f1_interval([1, 1, 1, 0, 0], [1, 1, 1, 1, 0])
    assert (low, high) == pytest.approx((2 * 0.1941 / 1.1941, 2 * 0.9937 / 1.9937), abs=1e-4)
    assert f1_interval([1] * 5, [1] * 5) == pytest.approx((2 * 0.025**0.2 / (1 + 0.025**0.2), 1.0), abs=1e-4)
    assert f1_interval([0, 0], [0, 0]) == (None, None)


def test_without_any_error_findings_of_one_report_do_not_make_it_surer() -> None:
    one_each, three_each = f1_interval([1] * 8, [1] * 8), f1_interval([3] * 8, [3] * 8)
    assert one_each == pytest.approx(three_each, abs=1e-4)


def test_reports_are_counted_as_by_hand() -> None:
    texts = ("BIRADS: 4b\nACR B. A mass in the outer quadrant.", "BIRADS: 2\nACR C. No mass. No calcification.")
    rules = [label(text).to_dict() for text in texts]
    hand = [dict(rules[0]), rules[1] | {"birads": "3", "findings": {"mass": "absent", "calcification": "present"}}]
    del hand[1]["quadrant"]
    found = data_set("x", hand, rules, 0)
    assert (found.reports, found.wholly_right, found.strictly_right) == (2, 1, 0)
    counts = {one.name: (one.by_hand, one.by_rules, one.both) for one in found.fields}
    assert counts["birads"] == (2, 2, 1)
    assert counts["density"] == (2, 2, 2)
    assert counts["mass"] == (1, 1, 1)
    assert counts["calcification"] == (1, 0, 0)
    assert counts["findings"] == (2, 1, 1)
    assert counts["denied"] == (1, 2, 1)
    assert counts["quadrant"] == (1, 1, 1)
    assert found.field("birads").is_weak
    assert not found.field("density").is_weak
    assert not found.field("skin").is_weak


def test_either_of_two_readings_is_right() -> None:
    rules = label("BIRADS: 2\nACR C. A mass in the upper outer quadrant.").to_dict()
    expected = {"birads": "2", "density": "C", "findings": {}, "quadrant": ["outer"]}
    line = {"expected": expected, "alternatives": {"findings.mass": ["present"], "quadrant": [["upper outer"]]}}
    taken = accepted(line, rules)
    assert taken["findings"] == {"mass": "present"}
    assert taken["quadrant"] == ["upper outer"]
    other = accepted({**line, "alternatives": {"findings.mass": ["absent"]}}, rules)
    assert other["findings"] == {}
    assert other["quadrant"] == ["outer"]
