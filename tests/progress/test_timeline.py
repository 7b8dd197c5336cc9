"""What processes of a sweep were at: told, stored, summed, drawn."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from benchmark.cli.verbs import app
from benchmark.disk.files import make_folder
from benchmark.errors import UserError
from benchmark.progress.events import Event, TimeSpan, event_of, listen, spanned
from benchmark.progress.show import Show
from benchmark.progress.status import Recorder
from benchmark.progress.timeline import MOST_BYTES, Span, Timeline, busy, read_timeline, timeline_file
from benchmark.results.store import Store


def span(process: str, began: float, seconds: float, name: str = "train", born: float = 0.0) -> Span:
    return Span(
        sweep=0.0, name=name, detail="", process=process, born=born, began=began, seconds=seconds,
        processor_seconds=seconds / 2,
    )  # fmt: skip


@pytest.fixture
def heard() -> list[Event]:
    events: list[Event] = []
    listen(events.append)
    return events


def test_a_span_is_told_when_it_ends_even_by_an_error(heard: list[Event]) -> None:
    with pytest.raises(ZeroDivisionError), spanned("train", "medgemma-4b-it"):
        _ = 1 / len(heard)
    (event,) = heard
    assert (event.kind, event.name, event.detail) == ("span", "train", "medgemma-4b-it")
    assert event.span is not None
    assert event.span.born <= event.span.began


def test_a_span_survives_its_way_through_a_file(heard: list[Event]) -> None:
    with spanned("load"):
        pass
    assert event_of(asdict(heard[0])) == heard[0]
    assert event_of(asdict(Event("stage", "data"))) == Event("stage", "data")


def test_spans_are_stored_by_a_sweep_and_shown_to_nobody(
    heard: list[Event], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path)
    make_folder(store.suite_folder("stored"))
    with Recorder(store, "stored", Show("people")) as recorder:
        listen(recorder)
        recorder(Event("stage", "data"))
        with spanned("train", "a"), spanned("vision", "b"):
            pass
    assert {(one.name, one.detail) for one in read_timeline(store, "stored")} == {("train", "a"), ("vision", "b")}
    assert "train" not in capsys.readouterr().err


def test_the_last_sweep_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = timeline_file(store, "stored")
    make_folder(path.parent)
    for sweep in (1.0, 2.0):
        told = TimeSpan("host:1", 0.5, sweep + 0.25, 0.5, 0.5)
        Timeline(path, sweep)(Event("span", "load", span=told))
    assert [one.began for one in read_timeline(store, "stored")] == [2.25]


def test_a_long_file_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "timeline.jsonl"
    path.write_text("x" * (MOST_BYTES + 1))
    timeline = Timeline(path, 1.0)
    for began in (1.0, 2.0):
        timeline(Event("span", "load", span=TimeSpan("host:1", 0.0, began, 0.5, 0.5)))
    assert len(path.read_text().splitlines()) == 2


def test_a_full_disk_stops_no_sweep(tmp_path: Path) -> None:
    Timeline(tmp_path / "missing" / "timeline.jsonl", 1.0)(Event("span", "load", span=TimeSpan("h:1", 0, 1, 1, 1)))


@pytest.mark.parametrize("damage", [b"{", b"\xff\n", b'{"schema_version": 1}\n', b""])
def test_a_damaged_file_is_named(tmp_path: Path, damage: bytes) -> None:
    path = timeline_file(Store(tmp_path), "stored")
    make_folder(path.parent)
    path.write_bytes(damage)
    with pytest.raises(UserError, match=r"timeline\.jsonl"):
        read_timeline(Store(tmp_path), "stored")


def test_two_processes_that_never_rest_are_all_busy() -> None:
    whole = busy([span("h:1", 0, 4), span("h:1", 4, 6), span("h:2", 0, 10, "score")])
    assert (whole.seconds, whole.processes, whole.share) == (10, 2, 1.0)
    assert whole.by_name == {"train": (10, 5), "score": (10, 5)}


def test_a_process_that_waits_is_half_busy() -> None:
    assert busy([span("h:1", 0, 10), span("h:2", 5, 0.5)]).share == pytest.approx(10.5 / 20)


def test_a_process_that_goes_from_one_thing_to_the_next_is_one_process() -> None:
    whole = busy([span("h:1", 0, 5.001), span("h:1", 5, 5, "score")])
    assert whole.share == pytest.approx(1.0, abs=1e-3)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 100), st.floats(0.01, 100)), min_size=1, max_size=8),
    st.floats(0.1, 10),
)
def test_shares_lie_within_bounds_and_know_no_unit(lines: list[tuple[str, float, float]], factor: float) -> None:
    whole = busy([span(*line) for line in lines])
    assert 0 < whole.share <= 1 + 1e-9
    longer = busy([span(process, began * factor, seconds * factor) for process, began, seconds in lines])
    assert longer.share == pytest.approx(whole.share)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    store = Store(tmp_path)
    path = timeline_file(store, "smoke")
    make_folder(path.parent)
    timeline = Timeline(path, 1.0)
    for name, began in (("load", 1.0), ("train", 3.0), ("score", 6.0), ("own stage", 8.0)):
        timeline(Event("span", name, span=TimeSpan("host:1", 0.5, began, 2.0, 1.0)))
    return tmp_path


@pytest.mark.parametrize(("name", "start"), [("a.svg", b"<?xml"), ("a.png", b"\x89PNG")])
def test_it_is_drawn_by_name(written: Path, name: str, start: bytes, amrg: Callable[..., str]) -> None:
    printed = amrg("status", "smoke", "--results", str(written), "--timeline", str(written / name))
    assert (written / name).read_bytes().startswith(start)
    assert "own stage" in printed
    assert "9.5\u00a0s in all" in printed


def test_another_kind_of_file_is_refused(written: Path) -> None:
    done = CliRunner().invoke(app, ["status", "smoke", "--results", str(written), "--timeline", "a.jpg"])
    assert isinstance(done.exception, UserError)
    assert "a.jpg" in str(done.exception)


@pytest.fixture
def amrg() -> Callable[..., str]:
    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, list(arguments))
        assert done.exit_code == 0, done.output
        return done.output

    return run
