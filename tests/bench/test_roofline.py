"""What a step is said to ask of a machine: closed forms of products, and what the planning of costs computes."""

import json
from collections.abc import Callable

import pytest
import torch

from backbones.base import Backbone
from backbones.private.operations import counted
from benchmark.bench import roofline
from benchmark.bench.model import BenchStudy
from benchmark.bench.roofline_model import Peaks, RooflineResult, StepBound
from benchmark.bench.task import Task
from benchmark.forms.grid import Point
from benchmark.forms.suite import Entry, ImagePart
from benchmark.suites.load import load_suite


def test_products_are_counted_by_their_closed_forms() -> None:
    a, b, c = torch.zeros(3, 5, 7), torch.zeros(3, 7, 11), torch.zeros(3, 5, 11)
    with counted() as asked:
        torch.bmm(a, b)
        c.baddbmm_(a, b)
        torch.baddbmm(c, a, b, out=c)
        c[0].addmm_(a[0], b[0])
        a[0] @ b[0]
    assert asked.products == 2 * 5 * 7 * 11 * (3 + 3 + 3 + 1 + 1)
    assert asked.operations == 5


def test_fused_attention_counts_as_its_products_do() -> None:
    def of(attend: Callable[..., torch.Tensor]) -> int:
        query, key, value = (torch.ones(2, 3, 13, 8, requires_grad=True) for _ in range(3))
        with counted() as asked:
            attend(query, key, value).sum().backward()
        return asked.products

    def by_hand(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return torch.softmax(query @ key.transpose(2, 3), dim=-1) @ value

    # The fused one computes the scores again for its gradients.
    again = 2 * 2 * 3 * 13 * 13 * 8
    assert of(torch.nn.functional.scaled_dot_product_attention) == of(by_hand) + again


def test_bytes_are_of_what_goes_in_and_comes_out() -> None:
    a = torch.zeros(1000)
    with counted() as asked:
        a + a
        a.view(10, 100)
    assert (asked.operations, asked.bytes) == (1, 3 * 4000)


@pytest.fixture
def task(load: Callable[..., Backbone]) -> Task:
    study = BenchStudy(id="1", image="none", report="BIRADS: 2, a benign mass in the upper quadrant")
    suite = load_suite("bench")
    return Task(
        entry=Entry(name="medgemma-4b-it", checkpoint="miniature"),
        checkpoint=str(load("medgemma-4b-it").source),
        dtype="float32",
        image=ImagePart(size=112),
        protocol=suite.protocol,
        points=(Point(rank=2, alpha=8, seed=0),),
        train=(study,),
        test=(study,),
    )


def test_more_trials_ask_for_more_arithmetic_in_hardly_more_operations(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roofline, "make_task", lambda *_: task)
    for name, value in {"TRIALS": (1, 3), "SIDE": 64, "VECTOR": 1000, "REPORTS": 4}.items():
        monkeypatch.setattr(roofline, name, value)
    result = roofline.run(load_suite("bench"), None, 1, lambda _: None)
    alone, one, three = result.bounds
    assert [(b.engine, b.trials) for b in result.bounds] == [("sequential", 1), ("packed", 1), ("packed", 3)]
    assert all(b.seconds > 0 and b.bytes > 0 for b in result.bounds)
    # The pack's gradients go by way of merged weights, and its losses by the report's positions alone.
    assert one.products == pytest.approx(alone.products, rel=0.15)
    assert three.products == pytest.approx(3 * one.products, rel=0.05)
    assert three.operations < 1.2 * one.operations
    assert one.operations < alone.operations
    assert RooflineResult.model_validate(json.loads(result.model_dump_json())) == result


def test_bounds_are_work_over_the_peaks() -> None:
    peaks = Peaks(operations=50e9, bytes=10e9)
    bound = StepBound(trials=2, engine="packed", seconds=0.1, operations=10, products=10**9, bytes=10**8)
    assert bound.arithmetic_seconds(peaks) == pytest.approx(0.02)
    assert bound.memory_seconds(peaks) == pytest.approx(0.01)
