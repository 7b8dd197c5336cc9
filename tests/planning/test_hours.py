"""Hours, disk and memory of MedGemma in the paper's suite, by hand; and how several GPUs share the work."""

from pathlib import Path

import pytest
import torch
from known import known
from transformers import GemmaConfig

from backbones.registry import get
from backbones.structure import structure
from benchmark.forms.suite import Suite
from benchmark.planning import devices, machine
from benchmark.planning.costs import PROMPT_TOKENS, Workload, weights_in_memory
from benchmark.planning.disk import image_bytes
from benchmark.planning.fit import MODES, Fit, in_mode, mode_of
from benchmark.planning.hours import Seconds, Writing, decoder_of, until_done, written_of
from benchmark.planning.model import BackbonePlan, Plan
from benchmark.planning.plan import plan
from benchmark.planning.structures import footprint_of
from benchmark.suites.load import load_suite
from benchmark.tuning.packed import capacity
from benchmark.tuning.packed.footprint import Footprint, written_report
from benchmark.tuning.packed.kept import Kept, Parts


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without GPU, and with room on its disk."""
    monkeypatch.setattr(machine, "free_disk", lambda folder: 1000.0)
    for module in (devices, machine):
        monkeypatch.setattr(module, "gpu", lambda: None)


def medgemma(**protocol: object) -> Suite:
    """The paper's suite with MedGemma alone, and without untuned rows."""
    suite = load_suite("paper")
    changed = suite.protocol.model_copy(update=protocol)
    return suite.model_copy(update={"backbones": suite.backbones[:1], "protocol": changed, "untuned": ()})


def planned(suite: Suite, gpu: str, folder: Path) -> tuple[Plan, BackbonePlan]:
    whole = plan(suite, None, gpu=gpu, results=folder)
    row = whole.backbones[0]
    assert isinstance(row, BackbonePlan)
    return whole, row


def test_hours_by_hand_on_an_h100(tmp_path: Path) -> None:
    """TFLOP by public figures of a report of 406 tokens, 256 of them image, scaled to 389: decoder 2.61, attention .05.

    The head is .55 over all positions and sees 93 of them; LoRA 3 × 2 × its parameters a token. Images 5.45 each.
    """
    whole, row = planned(medgemma(), "H100", tmp_path)
    rate = 0.35 * 989  # TFLOP/s
    forward, attention, head = 2.61 * 389 / 406, 0.05, 0.55 * 93 / 406
    ranks = [8] * 3 + [8, 16, 32, 64] * 12  # three on blank images
    lora = [3 * 2 * 14_901_248 / 8 * rank * 389 / 1e12 for rank in ranks]
    train = sum(5 * 407 * (2 * (forward + head) + 3 * attention + one) for one in lora)
    # After each epoch the loss of the 51 reports of the validation part: forward alone.
    train += sum(5 * 51 * (forward + head + attention + one / 3) for one in lora)
    assert row.hours.train == pytest.approx(train / rate / 3600, rel=0.02)
    painted = 2 * 52  # at most: of each test study with a lesion, it and as much elsewhere
    assert row.hours.vision == pytest.approx((511 + painted) * 5.45 / rate / 3600, rel=0.03)
    # 48 trials write for 51 + 52 images, the painted ones and the blank one, three for the blank one. Keys and values:
    # 2 × 34 layers × 4 heads × 256 × 2 bytes a token.
    token = 2 * 34 * 4 * 256 * 2
    # 32 trials write together, those of the greatest ranks; of them ranks 32 and 64 are padded to 64.
    adapters = 4 * 14_901_248 / 8 * (24 * 64 + 8 * 16)
    free = 80e9 - 2 * 4_300_079_472 - adapters
    each = 2 * token * (296 + 256) + 296 * (4 * 10_240 + 8 * 2560) * 2 + 12 * 262_208
    together = 0.8 * free // each // 32  # images at once, with 32 trials
    images = 51 + 52 + painted + 1
    batches = 2 * -(-images // together) + 1
    read = batches * 256 * 2 * 4_300_079_472 + (48 * images + 3) * 93 * (296 + 46.5) * token
    given_out = batches * 256 * 34 * 0.002  # seconds: two milliseconds a layer and token, which is longer
    assert read / (0.5 * 3.35e12) < given_out
    assert row.hours.write == pytest.approx(given_out / 3600, rel=0.02)
    assert whole.hours == pytest.approx(row.hours.total, abs=1e-3)


def test_a_slower_card_takes_longer_and_more_tokens_do_too(tmp_path: Path) -> None:
    _, fast = planned(medgemma(), "H100", tmp_path)
    _, slow = planned(medgemma(), "A100-80", tmp_path)
    assert slow.hours.train / fast.hours.train == pytest.approx(989 / 312, rel=0.01)
    _, few = planned(medgemma(max_new_tokens=32), "H100", tmp_path)
    _, many = planned(medgemma(max_new_tokens=1024), "H100", tmp_path)
    assert few.hours.write < 0.75 * fast.hours.write < 0.3 * many.hours.write
    _, again = planned(medgemma(activation_checkpointing=True), "H100", tmp_path)
    assert again.hours.train == pytest.approx(1.5 * fast.hours.train, rel=0.05)


def test_disk_by_hand(tmp_path: Path) -> None:
    whole, row = planned(medgemma(), "A100-40", tmp_path)
    assert row.bytes.weights == get("medgemma-4b-it").checkpoint.weights_bytes
    assert row.bytes.converted == 0
    # 12 trials a rank and three of rank 8, in 32 bits.
    assert row.bytes.adapters == 4 * 14_901_248 * (12 * (1 + 2 + 4 + 8) + 3)
    assert row.bytes.features == 511 * 256 * 2560 * 2
    # Of those that train together: weights, the best of them so far and two moments; 1.9 GB for a trial of rank 64.
    assert 16 * 119_209_984 <= row.bytes.snapshots <= row.pack_size * 16 * 119_209_984
    assert whole.images == image_bytes(510, 896) == 510 * (896 * 896 + 160)
    assert row.bytes.disk == sum(whole.disk.model_dump().values())
    assert row.host_memory_gb == pytest.approx((1.1e9 + row.bytes.features + row.bytes.snapshots) / 1e9, abs=0.01)


def test_each_trial_takes_the_memory_of_its_own_rank() -> None:
    kept = Kept(layers=1, bare=Parts((256.0,), 0.0), per_rank=Parts((0.0,), 0.0), input=0, logits=0, merged=0)
    fit = Fit(Footprint(weights=1280, width=1, number=4, kept=kept), 64)
    # Of rank 64 an adapter takes 4 × 4 × 64 bytes, of rank 8 an eighth: with a report of 256, 1280 and 384. 80 % of
    # 6400 − 1280 are 4096: two and four of them.
    assert fit.together([8, 64, 8, 64, 8, 8, 8], 1, 6400.0) == 6
    assert fit.together([64] * 6, 1, 6400.0) == 3
    assert fit.together([64], 1, 2560.0) == 0
    assert fit.rows(8, 6400.0) == 8
    assert fit.rows(16, 6400.0) == 8
    assert fit.needed(1) == pytest.approx(1280 + 1280 / 0.8)


def test_modes_differ_in_weights_and_in_what_a_report_keeps_and_in_nothing_else() -> None:
    [entry], plugin = medgemma().backbones, get("medgemma-4b-it")
    own, shape = known(footprint_of(entry, plugin, medgemma().protocol)), known(structure(plugin))
    for mode in MODES:
        there = in_mode(own, shape, entry.dtype, mode)
        assert there.weights == weights_in_memory(shape, entry.dtype, mode.quantization)
        assert there.report(64) == own.kept.report(64, checkpointing=mode.checkpointing)
        assert (there.adapter(64), there.stored(64), there.snapshot(64)) == tuple(
            n * 4 * 119_209_984 for n in (4, 1, 4)
        )
    assert in_mode(own, shape, entry.dtype, mode_of(entry, medgemma().protocol)) == own
    unevaluated = known(footprint_of(entry, plugin, medgemma().protocol.unevaluated))
    assert unevaluated.snapshot(64) == 3 * 4 * 119_209_984
    # What dropout adds to it is the engine's: plain peft keeps masks and masked inputs of every adapted layer.
    drops = medgemma(dropout=0.05).protocol
    dropped, plain = (known(footprint_of(entry, plugin, drops, packed=packed)) for packed in (True, False))
    assert dropped.report(64) == known(footprint_of(entry, plugin, medgemma(dropout=0.0).protocol)).report(64)
    assert plain.report(64) > 1.5 * dropped.report(64)


def test_several_gpus_are_done_when_the_last_is() -> None:
    def packs(*hours: float) -> list[Seconds]:
        return [Seconds(1.0, one, 0.0) for one in hours]

    # In turn: the first gets 5 and 1, the second 4 and 1, each with its images; the third pack's are other images.
    assert until_done([packs(5, 4), packs(1, 1)], 2) == 1 + 5 + 1 + 1
    assert until_done([packs(5, 4), packs(1, 1)], 1) == (1 + 5 + 4) + (1 + 1 + 1)


def test_two_gpus_take_about_half_as_long_and_more_than_packs_gain_nothing(tmp_path: Path) -> None:
    one, alone = planned(medgemma(), "H100", tmp_path)
    two, row = planned(medgemma(), "H100x2", tmp_path)
    assert row.hours.train == pytest.approx(alone.hours.train, rel=1e-3), "of devices"
    # Each has 24 trials, which write together, where 48 write in two rounds.
    assert 0.45 * known(one.hours) < known(two.hours) < 0.55 * known(one.hours)
    assert two.host_memory_gb == pytest.approx(2 * row.host_memory_gb, abs=0.02)


def test_on_a_gpu_logits_are_planned_a_part_at_a_time() -> None:
    suite = medgemma()
    [entry], plugin = suite.backbones, get("medgemma-4b-it")
    on_gpu, elsewhere = (known(footprint_of(entry, plugin, suite.protocol, gpu=gpu)) for gpu in (True, False))
    assert elsewhere.part == 0
    part = on_gpu.pack([8], 1) - 4 * 4 * on_gpu.width * 8 - on_gpu.report(8) - on_gpu.weights
    # 255 rows of 262,208 logits, twice, in 32 bits: as many as make half a GiB. All logits are three times 175 rows.
    assert part == pytest.approx(2 * 4 * 255 * 262_208)
    assert elsewhere.report(8) - on_gpu.report(8) == pytest.approx(3 * 4 * 175 * 262_208, rel=0.05)


def test_as_many_reports_are_written_together_as_the_engine_writes() -> None:
    shape = known(structure(get("medgemma-4b-it")))
    config = GemmaConfig(
        hidden_size=shape.hidden, intermediate_size=shape.intermediate, num_hidden_layers=shape.layers,
        num_attention_heads=8, num_key_value_heads=4, head_dim=256, vocab_size=shape.vocabulary,
    )  # fmt: skip
    decoder, prompt = capacity.decoder_of(config), 256 + PROMPT_TOKENS
    assert decoder_of(shape) == decoder
    work = Workload(511, 5 * 407, checkpointing=False, written=[104] * 48, new_tokens=256, ranks=[8] * 48)
    for free in (1e9, 20e9, 70e9, 500e9):
        planned = written_of(shape, work, Writing(0.0, free, 2, packed=True, trials=32))
        assert planned.rows == capacity.writing_rows(decoder, prompt, 256, torch.bfloat16.itemsize, int(free))
        assert planned.report == written_report(decoder, prompt, 256, torch.bfloat16.itemsize)
        assert 2 * planned.key_values < planned.report
