"""The methods statement's items on the study and its data."""

from collections.abc import Mapping

from benchmark.board.format import decimal, several
from benchmark.board.methods_model import Item, asked
from benchmark.board.model import Board

PARTS = {"train": "training", "validation": "validation", "test": "test"}


def study_items(board: Board) -> list[Item]:
    """Return what the study is, and what it is meant for."""
    grid = board.suite.grid
    backbones = several(len(board.checkpoints), "vision-language backbone")
    compared = (
        f"{backbones} fine-tuned by low-rank adaptation (LoRA) to write the report of a mammogram, each at "
        f"{several(len(grid.ranks), 'rank')}, {several(len(grid.alphas), 'alpha')} and "
        f"{several(len(grid.seed), 'seed')}, were compared under one protocol."
    )
    done = "Models were fine-tuned and evaluated; none was updated afterwards."
    if board.evaluated:
        compared = (
            f"{several(len(board.evaluated), 'low-rank adapter')} (LoRA) from elsewhere, of {backbones}, were made to "
            "write the report of a mammogram under one protocol."
        )
        done = "Models were evaluated as they are; none was trained or updated."
    return [
        Item(
            id="objective", section="Study", topic="Objective and type of study",
            asked_by=asked("4", claim=True),
            text=f"{compared} Input: one image and one instruction; output: one report. {done}",
        ),
        Item(
            id="intended_use", section="Study", topic="Intended use and clinical role",
            asked_by=asked("3a 3b 19d", claim=True),
            needed="the healthcare context, the target population, the intended users and where in the care pathway "
            "reports would be used; the software itself is for research and has no clinical role",
        ),
        Item(
            id="design", section="Study", topic="Prospective or retrospective",
            asked_by=asked(claim=True),
            needed="whether the studies were collected for this purpose or before it, and any hypothesis stated "
            "beforehand",
        ),
    ]  # fmt: skip


def data_items(board: Board) -> list[Item]:
    """Return where the data come from, how they were prepared, parted and kept apart."""
    return [
        _source(board),
        *(_of_phantoms(board) if board.data.source == "phantom" else _of_patients()),
        _distribution(board),
        _preparation(board),
        _missing(board),
        _parts(board),
        _independence(board),
        Item(
            id="pretraining_overlap", section="Data", topic="Test data in pretraining",
            asked_by=asked("", "6"),
            needed="whether images or reports of the test part may have been in what the checkpoints were pretrained "
            "on, and where the test data can be found on the internet",
        ),
    ]  # fmt: skip


def _source(board: Board) -> Item:
    data = board.data
    if data.source == "phantom":
        text = (
            f"{data.studies} digital phantoms: images drawn by the benchmark, not mammograms, with reports made by "
            f"rules from what was drawn"
        )
        if board.suite.data.source == "phantom":
            drawn = board.suite.data
            text += f" (seed {drawn.seed}, long side {drawn.size} pixels, wording “{drawn.dialect}”)"
        text += ". No person's data entered the run."
    else:
        text = (
            f"{data.studies} mammograms with one report each, in a folder in the layout of DMID (Oza et al., "
            "Biomedical Engineering Letters 2023, figshare 24522883)."
        )
    return Item(
        id="source", section="Data", topic="Source of the data", asked_by=asked("5a", claim=True),
        text=f"{text} Fingerprint of the data: {data.fingerprint}. Training, validation and test parts come from the "
        "same source; no data of another source were tested on.",
    )  # fmt: skip


def _of_phantoms(board: Board) -> list[Item]:
    """Return what is known of drawings and not of patients."""
    return [
        Item(
            id="dates_and_sites", section="Data", topic="Dates, sites and acquisition",
            asked_by=asked("5c", claim=True),
            text="None: phantoms are drawn, at no hospital and by no imaging device.",
        ),
        Item(
            id="eligibility", section="Data", topic="Eligibility",
            asked_by=asked("16a", claim=True),
            text=f"All phantoms that were drawn were used: {board.data.summary}.",
        ),
        Item(
            id="characteristics", section="Data", topic="Patient characteristics and de-identification",
            asked_by=asked("16b", claim=True),
            text="None: there are no patients.",
        ),
        Item(
            id="reference", section="Data", topic="Reference standard",
            asked_by=asked("8a", claim=True),
            text="The reference is the report that rules made from what was drawn; no radiologist read the images.",
        ),
    ]  # fmt: skip


def _of_patients() -> list[Item]:
    """Return what a folder of patients' studies doesn't tell."""
    return [
        Item(
            id="dates_and_sites", section="Data", topic="Dates, sites and acquisition",
            asked_by=asked("5c", claim=True),
            needed="the dates of the oldest and the newest study, the sites, and the imaging devices, as far as the "
            "data set's publication states them",
        ),
        Item(
            id="eligibility", section="Data", topic="Eligibility",
            asked_by=asked("16a", claim=True),
            needed="whether the folder is the data set as released, and how studies came into it: criteria of "
            "inclusion and exclusion, consecutive or selected",
        ),
        Item(
            id="characteristics", section="Data", topic="Patient characteristics and de-identification",
            asked_by=asked("16b", claim=True),
            needed="number of patients, age and other characteristics by part, and how the data were de-identified",
        ),
        Item(
            id="reference", section="Data", topic="Reference standard",
            asked_by=asked("8a", claim=True),
            text="The reference is the one report that the data set gives for each study, as it was written there.",
        ),
        Item(
            id="readers", section="Data", topic="Radiologists behind the reference reports",
            asked_by=asked("8b 8c", claim=True),
            needed="how many radiologists wrote the reports, their training and years of experience, whether studies "
            "were read twice, and how far readers agree",
        ),
    ]  # fmt: skip


def _distribution(board: Board) -> Item:
    leakage = board.split.leakage
    entries = [
        f"{part.capitalize()} part: BI-RADS {_counts(leakage.birads.get(key, {}))}; "
        f"breast density {_counts(leakage.density.get(key, {}))}"
        for key, part in PARTS.items()
        if board.split.sizes.get(key)
    ]
    return Item(
        id="distribution", section="Data", topic="Distribution", asked_by=asked("5b 16c"),
        text="Categories as rules read them with the data, in numbers of studies:", entries=tuple(entries),
    )  # fmt: skip


def _counts(counts: Mapping[str, int]) -> str:
    named = {"none": "not stated"}
    return ", ".join(f"{named.get(key, key)}: {number}" for key, number in counts.items()) or "not known"


def _preparation(board: Board) -> Item:
    image = board.suite.image
    steps = ["decoded to 8 bits"]
    steps += ["cropped to the breast"] if image.crop else []
    steps += ["mirrored where the chest wall was on the right"] if image.flip else []
    return Item(
        id="preparation", section="Data", topic="Preparation of images and reports", asked_by=asked("5d", claim=True),
        text=f"Each image was {', '.join(steps)} and fitted, its aspect kept, into a black square of {image.size} "
        "pixels; the same square was given to every backbone, whose own processor did the rest. "
        "Reports were used as they are.",
    )  # fmt: skip


def _missing(board: Board) -> Item:
    return Item(
        id="missing", section="Data", topic="Missing and imbalanced data", asked_by=asked("5e", claim=True),
        text=f"A study whose report or image can't be used is left out; what was read is: {board.data.summary}. "
        "Categories were neither weighted nor resampled in training. A predicted report that states no BI-RADS "
        "category where the reference has one counts as wrong.",
    )  # fmt: skip


def _parts(board: Board) -> Item:
    split, sizes = board.split, board.split.sizes
    seed = "" if split.seed is None else f", seed {split.seed}"
    listed = ", ".join(f"{sizes.get(key, 0)} {part}" for key, part in PARTS.items())
    if split.folds:
        text = (
            f"Cross-validation over {split.folds} folds of whole blocks{seed}: {sizes.get('test', 0)} studies were "
            f"tested, each once, in {several(board.blocks, 'block')} of studies that may be of one patient; in a fold "
            f"about {sizes.get('train', 0)} were trained on and {sizes.get('validation', 0)} validated. The training "
            "sets of two folds overlap, so their models are not independent."
        )
    else:
        text = (
            f"Split “{split.name}”{seed}: {listed} studies; the test part has {several(board.blocks, 'block')} of "
            "studies that may be of one patient."
        )
    return Item(
        id="parts", section="Data", topic="Partition", asked_by=asked("5a 16d", claim=True),
        text=f"{text} Rule: {split.rule.rstrip('.')}. Fingerprint of the split: {split.fingerprint}.",
    )  # fmt: skip


def _independence(board: Board) -> Item:
    leak = board.split.leakage
    copied = (
        ""
        if leak.rouge_l_of_neighbour is None
        else f"Copying the training report with the neighbouring id would have a mean ROUGE-L of "
        f"{decimal(leak.rouge_l_of_neighbour)}, "
    )
    return Item(
        id="independence", section="Data", topic="Independence of the test data", asked_by=asked("", "6", claim=True),
        text=f"Of {several(leak.test, 'test study', 'test studies')}, {leak.block_in_train} share a block with a "
        f"training study and {leak.neighbour_in_train} have a neighbouring id in the training part; "
        f"{leak.verbatim_in_train} of the test reports stand word for word in the training part and "
        f"{leak.near_verbatim_in_train} nearly so (ROUGE-L of 0.95 or more, those word for word among them). "
        f"{copied}{'c' if copied else 'C'}opying a random one {'' if copied else 'would have a mean ROUGE-L of '}"
        f"{decimal(leak.rouge_l_of_random)}.",
    )  # fmt: skip
