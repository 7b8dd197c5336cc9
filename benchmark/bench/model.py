"""What `amrg bench` measures as data: what its contenders are given and leave behind, and its results."""

from typing import Literal

from pydantic import Field

from benchmark.forms.grid import Point
from benchmark.forms.record import Evaluation, Machine, Stored
from benchmark.forms.suite import Entry, Halving, ImagePart, Protocol

Contender = Literal["A", "B", "P", "N", "C", "D"]
CONTENDERS: tuple[Contender, ...] = ("A", "B", "N", "C", "D")
"""Those that always run; P, a peer, runs where it is asked for."""
ORDER: tuple[Contender, ...] = ("A", "B", "P", "N", "C", "D")
"""All, as they are shown."""
BenchStage = Literal["start", "load", "decode", "vision", "train", "generate", "score"]
STAGES: tuple[BenchStage, ...] = ("start", "load", "decode", "vision", "train", "generate", "score")
"""What a contender's wall time is divided into; `start` is the interpreter's start and the imports."""


class BenchStudy(Stored):
    """A study of the bench: its id, the path of its image, its report."""

    id: str
    image: str
    report: str


class TaskFile(Stored):
    """One backbone, its grid and the studies, as a file that a new process reads.

    Attributes:
        entry: the backbone, as a suite names it.
        checkpoint: the folder of its weights.
        dtype: of the weights.
        image: size, crop and flip.
        protocol: as in a suite.
        points: of the grid.
        train, test: the studies.
        validation: those on which trials are evaluated within training, where the protocol asks for it.
        halving: when points leave, where they do.
        data: what the studies are, in words.
    """

    entry: Entry
    checkpoint: str
    dtype: str
    image: ImagePart
    protocol: Protocol
    points: tuple[Point, ...]
    train: tuple[BenchStudy, ...]
    test: tuple[BenchStudy, ...]
    validation: tuple[BenchStudy, ...] = ()
    halving: Halving | None = None
    data: str = ""


class ProcessCost(Stored):
    """What a process of a contender took.

    Attributes:
        seconds: of wall time, by stage.
        memory: bytes at its peak.
        together: trials that trained at the same time, at most.
        training: seconds of this process's processor in training, which other work of the machine doesn't lengthen;
            0 where they weren't taken.
    """

    seconds: dict[BenchStage, float]
    memory: int
    together: int = 1
    training: float = 0.0


class TrialOutput(Stored):
    """What a contender made of a trial: the loss of every step, a text for each test study, and its evaluations."""

    losses: tuple[float, ...]
    texts: tuple[str, ...]
    evaluations: tuple[Evaluation, ...] = ()


class BenchMachine(Machine):
    """A machine, and how many of its cores this process may use."""

    usable_cores: int


class Measured(Stored):
    """What was measured, and on what.

    Attributes:
        schema_version: of the results.
        suite, backbone, data: whose grid on what.
        train, test: number of studies.
        steps, batch_size: of a trial.
        rounds: how often each contender ran.
        machine, processes, threads, versions: where.
    """

    schema_version: int = 1
    suite: str
    backbone: str
    data: str
    train: int
    test: int
    steps: int
    batch_size: int
    rounds: int
    machine: BenchMachine
    processes: int = 1
    threads: int = 1
    versions: dict[str, str]


class Sweeps(Stored):
    """What the contenders took, over the rounds.

    Attributes:
        ratio: of whole sweeps' medians, by "A/D" and so on.
        ratio_without_overhead: the same without what a trial's length doesn't change: what long trials come nearer to.
        wall: seconds of each round.
        processor: median seconds.
        stages: median wall seconds by stage; `rest` is what no stage has.
        peak_memory: bytes, the greatest.
    """

    ratio: dict[str, float]
    ratio_without_overhead: dict[str, float]
    wall: dict[Contender, tuple[float, ...]]
    processor: dict[Contender, float]
    stages: dict[Contender, dict[str, float]]
    peak_memory: dict[Contender, int]


class Equality(Stored):
    """How far contenders differ in what they make.

    Attributes:
        points: trials that were compared.
        steps, learning_rate: of the runs whose losses were compared.
        loss_float64, loss_float32: the greatest difference of two contenders' losses, by "D-C" and so on.
        text_equal: trials whose texts are all equal.
    """

    points: int
    steps: int
    learning_rate: float
    loss_float64: dict[str, float]
    loss_float32: dict[str, float]
    text_equal: dict[str, int]


class BenchResult(Measured, Sweeps):
    """What `amrg bench --json` prints."""

    trials: int
    equality: Equality


class Line(Stored):
    """cost = fixed + per_trial × trials, by least squares.

    Attributes:
        fixed, per_trial: in the cost's unit.
        largest_residual: the greatest distance of a measured cost from the line, in the same unit.
    """

    fixed: float
    per_trial: float
    largest_residual: float


class ScalingRun(Stored):
    """What some trials took: wall seconds of each round, medians, the greatest peak in bytes, trials together."""

    wall: tuple[float, ...]
    processor: float
    stages: dict[str, float]
    peak_memory: int
    seconds_per_trial: float
    trained_together: int


class Lines(Stored):
    """A line for each cost."""

    wall: Line
    processor: Line
    peak_memory: Line


class Scaling(Stored):
    """What 4, 16 and 64 trials took, by their number, and the lines through that."""

    runs: dict[int, ScalingRun]
    lines: Lines


class ScalingResult(Measured):
    """What `amrg bench --scaling --json` prints."""

    trials: tuple[int, ...] = Field(description="numbers of trials that were run")
    scaling: Scaling


class GridTimes(Stored):
    """What a grid took, in times one point of it, and both by their number of points.

    Attributes:
        runs: by number of points.
        processor, wall: of medians.
        work: the same of training and writing alone.
    """

    runs: dict[int, ScalingRun]
    processor: float
    wall: float
    work: float


class GridResult(Measured):
    """What `amrg bench --grid --json` prints."""

    grid: GridTimes


class Survival(Stored):
    """How often a way of halving keeps the winner of the full grid, by curves of full runs.

    Attributes:
        halving: when and how many leave.
        work: share of the full grid's steps that are taken.
        seeds: of a point.
        draws: sets of so many seeds: all there are among those that were run.
        survived: share of them in which the point that wins the full grid stays to the end.
        regret: how much worse the value of the best that stays is than the winner's, on average.
        spread: between the full grid's best and worst point, on average: what regret is to be seen beside.
    """

    halving: Halving
    work: float
    seeds: int
    draws: int
    survived: float
    regret: float
    spread: float


class HalvingSpeed(Stored):
    """What a grid takes: in full and sequential, in full and packed, and packed with halving.

    Attributes:
        wall, train: seconds of each round, by contender: wall time of the whole process, and processor time of its
            training alone.
        same_work: sequential over packed, both the full grid, of medians of training.
        early_exit: packed in full over packed with halving.
        together: sequential in full over packed with halving.
        steps: share of the full grid's steps that halving took.
        evaluation: what evaluations within training add to it, as a share, of medians.
    """

    wall: dict[str, tuple[float, ...]]
    train: dict[str, tuple[float, ...]]
    same_work: float
    early_exit: float
    together: float
    steps: float
    evaluation: float


class HalvingResult(Measured):
    """What `amrg bench --halving --json` prints.

    Attributes:
        trials: of the grid.
        validation: studies that trials are evaluated on.
        criterion: what points are compared by.
        speed: of the suite's own halving.
        survival: the suite's own way of halving first, then others.
    """

    trials: int
    validation: int
    criterion: str
    speed: HalvingSpeed
    survival: tuple[Survival, ...]
