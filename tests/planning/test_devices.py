"""Cards by their data sheets, found by the names of users and of torch; and what is planned for where none is named."""

import re

import pytest

from benchmark.errors import UserError
from benchmark.planning import devices
from benchmark.planning.devices import CARDS, named, of_machine, recognised
from benchmark.planning.machine import Gpu
from benchmark.planning.rates import assumed


@pytest.mark.parametrize(
    ("text", "name", "count"),
    [
        ("H100", "H100 SXM", 1),
        ("h100 pcie", "H100 PCIe", 1),
        ("A100-80x8", "A100-80", 8),
        ("A100-40 × 2", "A100-40", 2),
        ("RTX4090", "RTX 4090", 1),
        ("rtx4090x4", "RTX 4090", 4),
        ("NVIDIA GeForce RTX 3090", "RTX 3090", 1),
    ],
)
def test_names_as_people_write_them(text: str, name: str, count: int) -> None:
    target = named(text)
    assert (target.name, target.count, target.chosen) == (name, count, True)


def test_two_cards_by_their_data_sheets() -> None:
    """NVIDIA A100 80 GB SXM: 2,039 GB/s, 312 TFLOP/s bf16; RTX 4090: 1,008 GB/s, 165.2 TFLOP/s, 330.3 with sparsity."""
    a100, rtx = named("A100-80").card, named("RTX 4090").card
    assert a100 is not None
    assert rtx is not None
    assert (a100.memory_gb, a100.bandwidth, a100.tensor, a100.single) == (80, 2.039, 312, 19.5)
    assert (rtx.memory_gb, rtx.bandwidth, rtx.tensor) == (24, 1.008, 165)


def test_rates_are_half_of_those_with_sparsity() -> None:
    stated = {
        card.name: float(found[1].replace(",", ""))
        for card in CARDS
        if (found := re.search(r"([\d,.]+)(?: TFLOP/s)?(?: bf16| of its tensor cores|,)? with sparsity", card.source))
        and card.name != "B200"  # of eight
    }
    assert len(stated) == 17
    for name, sparse in stated.items():
        card = named(name).card
        assert card is not None
        assert card.tensor == pytest.approx(sparse / 2, rel=0.02)


def test_an_unknown_or_ambiguous_name_says_what_is_known() -> None:
    with pytest.raises(UserError, match=r"--gpu A100: .* Did you mean A100-80 or A100-80 PCIe or A100-40\?"):
        named("A100")
    with pytest.raises(UserError, match=r"Known: .*RTX 4090.*--gpu-memory"):
        named("RTX9999")


@pytest.mark.parametrize(
    ("reported", "name"),
    [
        ("NVIDIA H100 80GB HBM3", "H100 SXM"),
        ("NVIDIA H100 PCIe", "H100 PCIe"),
        ("NVIDIA A100-SXM4-40GB", "A100-40"),
        ("NVIDIA A100 80GB PCIe", "A100-80 PCIe"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("Tesla V100-SXM2-16GB", "V100-16"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", None),
        ("NVIDIA A10G", None),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", None),
    ],
)
def test_a_gpu_is_recognised_by_its_whole_name(reported: str, name: str | None) -> None:
    card = recognised(reported)
    assert (card and card.name) == name


def test_this_machines_gpus_are_planned_for_with_their_own_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "gpu", lambda: Gpu("NVIDIA H100 80GB HBM3", 85.0, 4))
    target = of_machine(small=False)
    assert target.card is named("H100").card
    assert (target.memory, target.count, target.note) == (85.0, 4, "")
    monkeypatch.setattr(devices, "gpu", lambda: Gpu("Some New Card", 48.0))
    unknown = of_machine(small=False)
    assert "Some New Card is in no table" in unknown.note
    assert unknown.card is named("A100-80").card
    assert unknown.is_same("Some New Card")
    assert not unknown.is_same("NVIDIA A100-SXM4-80GB")


def test_without_a_gpu_a_card_is_named_and_miniatures_run_on_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "gpu", lambda: None)
    target = of_machine(small=False)
    assert target.name == "A100-80"
    assert "no GPU: planned for one A100-80" in target.note
    assert of_machine(small=True).is_cpu


def test_numbers_that_tensor_cores_do_not_take_are_slower() -> None:
    assert assumed(named("T4"), "bfloat16").operations == pytest.approx(0.35 * 8.1e12)
    assert assumed(named("A100-40"), "float32").operations == pytest.approx(0.35 * 19.5e12)
    assert assumed(named("L4"), "bfloat16").operations == pytest.approx(0.35 * 121e12)
    assert "one processor core" in assumed(named("cpu"), "float32").source
