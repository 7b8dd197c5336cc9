"""The plan of a suite as data: what `amrg plan --json` prints and the tables of `amrg plan` show."""

from benchmark.forms.record import Stored


class Device(Stored):
    """What is planned for.

    Attributes:
        name: of the card; a processor has none.
        memory_gb: of each; 0 of a processor.
        devices: how many.
        tensor_tflops, bandwidth_tb: dense 16-bit TFLOP/s and TB/s by `source`, where it is a card.
        source: the data sheet.
        note: what is to be known about the choice; empty where there is nothing.
    """

    name: str | None
    memory_gb: float
    devices: int
    tensor_tflops: float | None
    bandwidth_tb: float | None
    source: str | None
    note: str


class PlannedDisk(Stored):
    """Bytes on disk, by kind; converted checkpoints lie there beside the published ones.

    Attributes:
        weights, converted, features, adapters: what stays.
        snapshots: of the trials that train at the same time, until they are trained.
    """

    weights: int
    converted: int
    features: int
    adapters: int
    snapshots: int


class PlannedBytes(PlannedDisk):
    """Bytes of a backbone: still to download, and all on disk.

    Attributes:
        download: what the hub's cache doesn't hold yet.
        disk: all kinds together.
    """

    download: int
    disk: int


class PlannedMode(Stored):
    """How a backbone fits into the device's memory in one mode.

    Attributes:
        quantization, activation_checkpointing: the mode.
        chosen: whether it is the suite's.
        needed_gb: memory that a trial of the greatest rank needs, a report at a time, with what has to stay free.
        together: trials that train together; 0 where not one fits.
        micro_batch_size: reports of a trial that go through the model at once.
    """

    quantization: str | None
    activation_checkpointing: bool
    chosen: bool
    needed_gb: float
    together: int
    micro_batch_size: int


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
    """Hours of all trials of a backbone, by stage, of one GPU or of all cores."""

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


class PlannedAlone(Stored):
    """Trials that can't be packed, and run one after another by plain peft.

    Attributes:
        reason: why.
        trials: how many.
        trainable_parameters: by rank.
        times_a_packed_trial: their training's operations, in times those of all decoder projections from kept features.
    """

    reason: str
    trials: int
    trainable_parameters: dict[int, int]
    times_a_packed_trial: float


class BackbonePlan(BackboneSize):
    """What a backbone will cost.

    Attributes:
        trainable_parameters: by rank.
        memory: of a trial of the greatest rank and of the largest pack.
        modes: how it fits in the suite's mode and in those with less memory.
        pack_size, packs: trials that train together at most, and how often some do.
        micro_batch_size: reports of a trial that go through the model at once.
        host_memory_gb: of the host, for each process.
        operations, hours: by stage.
        alone: of its trials those that can't be packed.
    """

    trainable_parameters: dict[int, int]
    alone: tuple[PlannedAlone, ...] = ()
    memory: PlannedMemory
    modes: tuple[PlannedMode, ...]
    pack_size: int
    packs: int
    micro_batch_size: int
    host_memory_gb: float
    operations: PlannedOperations
    hours: PlannedHours

    @property
    def own(self) -> PlannedMode:
        """How it fits as the suite has it."""
        return next(mode for mode in self.modes if mode.chosen)

    @property
    def fits(self) -> bool:
        """Whether one trial fits as the suite has it, with fewer reports at once if need be."""
        return self.own.together > 0


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
        device: that is planned for.
        backbones: in the suite's order.
        design: what it will be able to decide; None where its data can't be read.
        hours: until the last device is done with the backbones that fit; None where one's aren't known.
        images: bytes of all prepared images on disk.
        disk: of all backbones, by kind.
        host_memory_gb: of all processes.
        missing: what stops it from running here, in words.
        remarks: on values that let it run and may not be meant, in words.
    """

    schema_version: int = 2
    suite: str
    trials: int
    device: Device
    backbones: tuple[BackbonePlan | BackboneSize | UnfitBackbone, ...]
    design: Design | None = None
    hours: float | None
    images: int
    disk: PlannedDisk
    host_memory_gb: float
    missing: tuple[str, ...]
    remarks: tuple[str, ...] = ()
