"""The plan of a suite as data: what `amrg plan --json` prints and the tables of `amrg plan` show."""

from benchmark.record import Stored


class Device(Stored):
    """What is planned for: the GPU with the most memory; no name and 0 GB where there is none."""

    gpu: str | None
    gpu_memory_gb: float


class PlannedBytes(Stored):
    """Bytes of a backbone: still to download; on disk, the rest among them.

    Of the features; of all trials' adapters; of the snapshots of the trials that train together.
    """

    download: int
    disk: int
    features: int
    adapters: int = 0
    snapshots: int = 0


class PlannedMemory(Stored):
    """GB of memory that training and writing take.

    Of the frozen weights, an adapter of the greatest rank and a report in training with it; the smallest that such a
    trial can run in, with what has to stay free; of the planned pack, each trial with its own rank; of the keys and
    values of a report in writing, and of writing as many together as the plan counts with.
    """

    weights_gb: float
    trial_gb: float
    report_gb: float
    smallest_gb: float
    pack_gb: float
    key_values_gb: float
    writing_gb: float


class PlannedOperations(Stored):
    """Operations of all trials of a backbone, by stage."""

    vision: float
    train: float
    write: float


class PlannedHours(Stored):
    """Hours of all trials of a backbone, by stage, on one GPU or on all cores."""

    vision: float
    train: float
    write: float
    total: float


class UnfitBackbone(Stored):
    """A backbone whose plugin can't be used, and why."""

    name: str
    error: str


class BackboneSize(Stored):
    """What is known of a backbone whose plugin states no configuration.

    Attributes:
        name, checkpoint, revision, licence: which weights; no revision for a folder or a miniature.
        dtype, quantization: as the suite has them.
        trials: of it.
        parameters: of the base.
        bytes: to download and on disk.
        assumptions: that the figures rest on, in words.
    """

    name: str
    checkpoint: str
    revision: str | None
    licence: str
    dtype: str
    quantization: str | None
    trials: int
    parameters: int
    bytes: PlannedBytes
    assumptions: tuple[str, ...]


class BackbonePlan(BackboneSize):
    """What a backbone will cost.

    Attributes:
        trainable_parameters: by rank.
        memory: of a trial and of a pack.
        pack_size, packs: trials that train together, and how often.
        micro_batch_size: reports of a trial that go through the model at once.
        operations, hours: by stage.
    """

    trainable_parameters: dict[int, int]
    memory: PlannedMemory
    pack_size: int
    packs: int
    micro_batch_size: int
    operations: PlannedOperations
    hours: PlannedHours


class Comparison(Stored):
    """One kind of comparison that a leaderboard will make.

    Attributes:
        what: which pairs, in words.
        pairs: how many are tested and corrected together.
        blocks_needed: with fewer none of them can be found different.
        detectable: about how large a difference has to be to be found with a probability of 80 %; None where none can
            be found, or the score's spread isn't known.
    """

    what: str
    pairs: int
    blocks_needed: int
    detectable: float | None


class Design(Stored):
    """What a suite's leaderboard will be able to decide.

    Attributes:
        studies: of the data.
        tested: how many of them are tested on.
        blocks: of those: what statistics count.
        folds: of cross-validation; None without.
        seeds: of each point.
        primary: the score that rows are compared by.
        spread: its standard deviation per block that the figures assume, of the difference of two equal predictors.
        comparisons: that will be made.
    """

    studies: int
    tested: int
    blocks: int
    folds: int | None
    seeds: int
    primary: str
    spread: float | None
    comparisons: tuple[Comparison, ...]


class Plan(Stored):
    """What a suite will cost before it runs, backbone by backbone, and what it lacks on this machine.

    Attributes:
        schema_version: of this model.
        suite: its name.
        trials: of all backbones.
        machine: that is planned for.
        backbones: in the suite's order.
        design: what it will be able to decide; None where its data can't be read.
        hours: of all backbones, one after another; None where one's aren't known.
        missing: what stops it from running here, in words.
    """

    schema_version: int = 2
    suite: str
    trials: int
    machine: Device
    backbones: tuple[BackbonePlan | BackboneSize | UnfitBackbone, ...]
    design: Design | None = None
    hours: float | None
    missing: tuple[str, ...]
