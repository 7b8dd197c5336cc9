"""GPUs that a suite can be planned for, by NVIDIA's data sheets, and the one that this machine has.

Data sheets state tensor rates twice: dense, and "with sparsity", which is twice as much and needs weights of which half
are zero. Rates here are dense. Where a sheet prints the sparse figure only (H100, H200, L4), half of it stands here.

The sheets could not be opened when this was written: most figures were compared with pages that quote them, but not
those of B200, the NVL cards, A30, the tensor rates of A10 and L4, RTX A6000 and V100. Compare before you rely on them.
"""

import re
from dataclasses import dataclass, replace

from benchmark.errors import UserError
from benchmark.forms.record import Stored
from benchmark.planning.machine import Gpu, gpu


class Card(Stored):
    """A kind of GPU.

    Attributes:
        name: that `--gpu` takes.
        reported: how torch names it, as a regular expression; without the maker's and the series' name.
        memory_gb: in GB.
        bandwidth: of its memory, in TB/s.
        tensor: dense TFLOP/s of 16-bit products with sums in 32 bits, by its tensor cores.
        single: TFLOP/s in 32 bits, without tensor cores.
        bfloat16: whether its tensor cores take bfloat16; where not, `tensor` is for float16.
        source: the vendor's document that these are from.
        others: further names for it.
    """

    name: str
    reported: str
    memory_gb: float
    bandwidth: float
    tensor: float
    single: float
    bfloat16: bool = True
    source: str
    others: tuple[str, ...] = ()


CARDS = (
    Card(
        name="B200", reported="B200", memory_gb=180, bandwidth=8.0, tensor=2250, single=75,
        source="NVIDIA DGX B200 data sheet, of eight: 1,440 GB, 64 TB/s; HGX B200: 36 PFLOP/s bf16 with sparsity",
    ),
    Card(
        name="H200", reported="H200( SXM)?", memory_gb=141, bandwidth=4.8, tensor=989, single=67,
        source="NVIDIA H200 Tensor Core GPU data sheet, SXM: 1,979 TFLOP/s bf16 with sparsity",
    ),
    Card(
        name="H200 NVL", reported="H200 NVL", memory_gb=141, bandwidth=4.8, tensor=835, single=60,
        source="NVIDIA H200 Tensor Core GPU data sheet, NVL: 1,671 TFLOP/s bf16 with sparsity",
    ),
    Card(
        name="H100 SXM", reported="H100 80GB HBM3|H100 SXM5?( 80GB)?", others=("H100",),
        memory_gb=80, bandwidth=3.35, tensor=989, single=67,
        source="NVIDIA H100 Tensor Core GPU data sheet, SXM: 1,979 TFLOP/s bf16 with sparsity",
    ),
    Card(
        name="H100 NVL", reported="H100 NVL", memory_gb=94, bandwidth=3.9, tensor=835, single=60,
        source="NVIDIA H100 Tensor Core GPU data sheet, NVL: 1,671 TFLOP/s bf16 with sparsity",
    ),
    Card(
        name="H100 PCIe", reported="H100 PCIe", memory_gb=80, bandwidth=2.0, tensor=756, single=51,
        source="NVIDIA H100 Tensor Core GPU data sheet (2022), PCIe: 1,513 TFLOP/s bf16 with sparsity",
    ),
    Card(
        name="A100-80", reported="A100-SXM4-80GB", memory_gb=80, bandwidth=2.039, tensor=312, single=19.5,
        others=("A100 SXM 80", "A100-80GB"),
        source="NVIDIA A100 Tensor Core GPU data sheet, 80 GB SXM: 312 TFLOP/s bf16, 624 with sparsity",
    ),
    Card(
        name="A100-80 PCIe", reported="A100[- ]80GB[- ]PCIe", memory_gb=80, bandwidth=1.935, tensor=312, single=19.5,
        source="NVIDIA A100 Tensor Core GPU data sheet, 80 GB PCIe: 312 TFLOP/s bf16, 624 with sparsity",
    ),
    Card(
        name="A100-40", reported="A100-SXM4-40GB|A100-PCIE-40GB", others=("A100-40GB",),
        memory_gb=40, bandwidth=1.555, tensor=312, single=19.5,
        source="NVIDIA A100 Tensor Core GPU data sheet, 40 GB: 312 TFLOP/s bf16, 624 with sparsity",
    ),
    Card(
        name="L40S", reported="L40S", memory_gb=48, bandwidth=0.864, tensor=362, single=91.6,
        source="NVIDIA L40S data sheet: 362.05 TFLOP/s bf16, 733 with sparsity",
    ),
    Card(
        name="L40", reported="L40", memory_gb=48, bandwidth=0.864, tensor=181, single=90.5,
        source="NVIDIA L40 data sheet: 181.05 TFLOP/s bf16, 362.1 with sparsity",
    ),
    Card(
        name="L4", reported="L4", memory_gb=24, bandwidth=0.3, tensor=121, single=30.3,
        source="NVIDIA L4 Tensor Core GPU data sheet: 242 TFLOP/s bf16 with sparsity",
    ),
    Card(
        name="RTX 4090", reported="RTX 4090", memory_gb=24, bandwidth=1.008, tensor=165, single=82.6,
        source="NVIDIA Ada GPU Architecture white paper, appendix: 165.2 TFLOP/s bf16, 330.4 with sparsity",
    ),
    Card(
        name="RTX 3090", reported="RTX 3090", memory_gb=24, bandwidth=0.936, tensor=71, single=35.6,
        source="NVIDIA Ampere GA102 GPU Architecture white paper, appendix: 71 TFLOP/s bf16, 142 with sparsity",
    ),
    Card(
        name="RTX A6000", reported="RTX A6000", memory_gb=48, bandwidth=0.768, tensor=155, single=38.7,
        others=("A6000",), source="NVIDIA RTX A6000 data sheet: 309.7 TFLOP/s of its tensor cores with sparsity",
    ),
    Card(
        name="A40", reported="A40", memory_gb=48, bandwidth=0.696, tensor=150, single=37.4,
        source="NVIDIA A40 data sheet: 149.7 TFLOP/s bf16, 299.4 with sparsity",
    ),
    Card(
        name="A30", reported="A30", memory_gb=24, bandwidth=0.933, tensor=165, single=10.3,
        source="NVIDIA A30 Tensor Core GPU data sheet: 165 TFLOP/s bf16, 330 with sparsity",
    ),
    Card(
        name="A10", reported="A10", memory_gb=24, bandwidth=0.6, tensor=125, single=31.2,
        source="NVIDIA A10 Tensor Core GPU data sheet: 125 TFLOP/s bf16, 250 with sparsity",
    ),
    Card(
        name="T4", reported="T4", memory_gb=16, bandwidth=0.32, tensor=65, single=8.1, bfloat16=False,
        source="NVIDIA T4 Tensor Core GPU product brief: 320 GB/s; 65 TFLOP/s fp16",
    ),
    Card(
        name="V100-32", reported="V100-(SXM[23]|PCIE)-32GB", others=("V100-32GB",),
        memory_gb=32, bandwidth=0.9, tensor=125, single=15.7, bfloat16=False,
        source="NVIDIA V100 Tensor Core GPU data sheet, SXM2: 125 TFLOP/s fp16 (PCIe: 112)",
    ),
    Card(
        name="V100-16", reported="V100-(SXM2|PCIE)-16GB", others=("V100-16GB",),
        memory_gb=16, bandwidth=0.9, tensor=125, single=15.7, bfloat16=False,
        source="NVIDIA V100 Tensor Core GPU data sheet, SXM2: 125 TFLOP/s fp16 (PCIe: 112)",
    ),
)  # fmt: skip
"""Every card that `--gpu` knows."""
WITHOUT = "A100-80"
"""Card that is planned for where this machine has none, and that an unknown one's speed is taken from."""
CPU = "cpu"
"""What `--gpu` takes for this machine's processor."""


@dataclass(frozen=True)
class Target:
    """What a suite is planned for.

    Attributes:
        name: for people.
        memory: GB of each device's memory; 0 for a processor.
        count: devices.
        card: whose rates are assumed; None for a processor.
        reported: the name that torch gives this machine's GPU; None where a card was named, or for a processor.
        chosen: whether the user named it.
        note: what is to be known about the choice; empty where there is nothing.
    """

    name: str
    memory: float = 0.0
    count: int = 1
    card: Card | None = None
    reported: str | None = None
    chosen: bool = False
    note: str = ""

    @property
    def is_cpu(self) -> bool:
        """Whether it is this machine's processor."""
        return self.card is None

    @property
    def label(self) -> str:
        """Count, name and memory, for people."""
        if self.is_cpu:
            return self.name
        return f"{f'{self.count} × ' if self.count > 1 else ''}{self.name} ({self.memory:.0f} GB)"

    def is_same(self, reported: str | None) -> bool:
        """Return whether a result of the GPU that torch names so (None: of a processor) was measured on this device."""
        if self.card is None or reported is None:
            return self.card is None and reported is None
        known = recognised(reported)
        return reported == self.reported or (known is not None and known is self.card and not self._is_unknown)

    @property
    def _is_unknown(self) -> bool:
        """Whether the card only lends its rates."""
        return self.reported is not None and recognised(self.reported) is None


PROCESSOR = Target(name="this machine's processor")


def named(text: str) -> Target:
    """Return the target of a name as `--gpu` takes it: a card's, with ×N or xN behind it for several; or cpu.

    Raises:
        UserError: no card has that name.
    """
    if text.strip().lower() == CPU:
        return replace(PROCESSOR, chosen=True)
    card, name, count = _card(text), text, 1
    if card is None and (several := re.fullmatch(r"(.+?)\s*[x×]\s*([1-9]\d*)", text.strip(), re.I)):
        name, count = several[1], int(several[2])
        card = _card(name)
    if card is None:
        alike = [one.name for one in CARDS if _plain(one.name).startswith(_plain(name))]
        raise UserError(
            f"--gpu {text}: no card is known by that name. "
            + (f"Did you mean {' or '.join(alike)}? " if alike else "")
            + f"Known: {', '.join(one.name for one in CARDS)}; with ×N or xN behind it for several; or {CPU}, this "
            "machine's processor. For another card, name the nearest, and give its memory with --gpu-memory."
        )
    return Target(card.name, card.memory_gb, count, card, chosen=True)


def recognised(reported: str) -> Card | None:
    """Return the card that torch names so, or None."""
    short = re.sub(r"^(NVIDIA |Tesla |GeForce |Quadro )+", "", reported)
    return next((card for card in CARDS if re.fullmatch(card.reported, short, re.I)), None)


def of_machine(*, small: bool) -> Target:
    """Return what a suite is planned for where nothing is named: this machine's GPUs, or what stands in for them.

    Args:
        small: whether the suite runs miniatures only, which run on the processor.
    """
    if small:
        return PROCESSOR
    largest = gpu()
    if largest is None:
        note = f"This machine has no GPU: planned for one {WITHOUT}. Name another with --gpu."
        return replace(named(WITHOUT), chosen=False, note=note)
    return _of(largest)


def _of(found: Gpu) -> Target:
    card = recognised(found.name)
    target = Target(found.name, found.memory, found.count, card or _card(WITHOUT), found.name)
    if card is None:
        note = f"{found.name} is in no table here: its memory is its own, its speed assumed to be an {WITHOUT}'s."
        return replace(target, note=note)
    return target


def _card(name: str) -> Card | None:
    """Return the card of a name, whatever its case, spaces and hyphens; RTX may be left out."""
    plain = _plain(name)
    return next((card for card in CARDS if plain in map(_plain, (card.name, *card.others))), None)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]|nvidia|geforce|tesla|rtx", "", name.lower())
