"""The methods statement's items on models: which, how tuned, how prompted, how they wrote."""

from benchmark.board.axes import grid_in_words
from benchmark.board.format import count, percent, several
from benchmark.board.methods_model import Item, asked
from benchmark.board.model import Board, Checkpoint
from benchmark.board.within_training import within_training
from benchmark.forms.grid import Grid
from benchmark.forms.suite import Protocol
from benchmark.forms.untuned import INSTRUCTED, FewShot, Untuned
from metrics.registry import METRICS

SCHEDULES = {
    "cosine": "then falling to zero along a cosine",
    "linear": "then falling to zero along a line",
    "constant": "then constant",
}


def model_items(board: Board) -> list[Item]:
    """Return what was tuned, how, and how it was made to write."""
    return [
        Item(
            id="models", section="Models", topic="Models", asked_by=asked("6a 6b", "1", claim=True),
            text=f"{several(len(board.checkpoints), 'checkpoint was', 'checkpoints were')} tuned:",
            entries=tuple(_checkpoint(one) for one in board.checkpoints),
        ),
        Item(
            id="cutoff", section="Models", topic="Training data of the checkpoints and their dates",
            asked_by=asked("5c 6a", "1"),
            needed="what each checkpoint was pretrained on and up to which date, as its publisher states it",
        ),
        _access(board),
        _tuning(board),
        _choice(board),
        *_prompt(board),
        _decoding(board),
        Item(
            id="output", section="Models", topic="Output", asked_by=asked("6d 6e"),
            text="Free text, kept as it was written up to the end token, and scored so but for blank space; no part "
            "was corrected, filled in or chosen among several. Categories and findings were read in it by rules (see "
            "Reading of categories and findings); no probability and no threshold is involved.",
        ),
    ]  # fmt: skip


def _checkpoint(one: Checkpoint) -> str:
    layout = one.hub_id or one.backbone
    if one.miniature:
        what = f"a tiny checkpoint in the layout of {layout}, trained on digital phantoms; not the published model"
    elif one.folder:
        what = f"a folder in the layout of {layout}; whether its weights are the published ones isn't known"
    else:
        what = f"{layout} at revision {one.revision or 'unknown'}, licence: {one.licence or 'unknown'}"
    size = f"{count(one.parameters)} parameters" if one.parameters is not None else "parameters not counted"
    numbers = f"{one.dtype}, base in {one.quantization}" if one.quantization else f"{one.dtype}, not quantised"
    fingerprint = f"; fingerprint of the weights: {one.fingerprint}" if one.fingerprint else ""
    return f"Backbone {one.name}: {what}; {size}; {numbers}{fingerprint}"


def _access(board: Board) -> Item:
    when = f"the last trial finished on {board.run.date}" if board.run.date else "no trial has finished"
    return Item(
        id="access", section="Models", topic="Access to the models", asked_by=asked("6a 7c", "1"),
        text="The weights ran on the machine named under Compute, not behind an interface of their makers; models had "
        f"no access to the web and no retrieval. Date: {when}.",
    )  # fmt: skip


def _tuning(board: Board) -> Item:
    if board.evaluated:
        return _of_others(board)
    grid, protocol = board.suite.grid, board.suite.protocol
    shuffled = (
        " In training each report stood with the image of another study: a control, not a way to tune a model."
        if protocol.shuffles_images
        else ""
    )
    blank = (
        f" Each backbone was also tuned on blank images, at rank {grid.ranks[0]} and alpha {grid.alphas[0]} with each "
        "seed, and shown blank images when it wrote: a comparator that sees no image."
        if board.suite.blank_adapters
        else ""
    )
    return Item(
        id="tuning", section="Models", topic="Fine-tuning", asked_by=asked("6b 6c", claim=True),
        text=f"LoRA adapters on {_where(grid)}, all else frozen, were trained at {_points(grid)}, with LoRA dropout "
        f"{_dropout(grid, protocol)}. {_optimiser(protocol, grid)} The seed decides the "
        f"adapters' first weights, the order of the reports and dropout.{shuffled}{blank}{_exits(board)}",
    )  # fmt: skip


def _of_others(board: Board) -> Item:
    names = ", ".join(one.name for one in board.evaluated)
    return Item(
        id="tuning", section="Models", topic="Fine-tuning", asked_by=asked("6b 6c", claim=True),
        needed=f"on what and how the adapters {names} were trained, by whom, and whether any of the studies tested "
        "here were among it; here they were evaluated as they are",
    )  # fmt: skip


def _where(grid: Grid) -> str:
    """Return which layers get adapters."""
    places = {
        "all": "the attention and MLP projections of each decoder",
        "attention": "the attention projections of each decoder",
        "mixer": "the projections in attention's place (linear attention, state spaces, convolutions) of each decoder",
        "attention+mixer": "the projections of attention, and of what stands in its place, of each decoder",
        "mlp": "the MLP projections of each decoder",
        "all+experts": "the attention and MLP projections of each decoder, those of experts among them",
        "vision+decoder": "those of each vision encoder and decoder",
    }
    return " or ".join(places[targets] for targets in grid.values("targets"))


def _points(grid: Grid) -> str:
    """Return at which points adapters were trained."""
    scales = {"classic": "alpha / rank", "rslora": "alpha / √rank"}
    scale = " or ".join(scales[scaling] for scaling in grid.values("scaling"))
    if not grid.axes and not grid.points and all(isinstance(alpha, int) for alpha in grid.alpha):
        ranks, alphas, seeds = (_listed(values) for values in (grid.ranks, grid.alphas, grid.seed))
        return f"every combination of rank {ranks}, alpha {alphas} (scale: {scale}) and seed {seeds}"
    return f"the points {grid_in_words(grid)} (scale: {scale})"


def _dropout(grid: Grid, protocol: Protocol) -> str:
    """Return the dropout, or those of the grid."""
    return "of each point" if "dropout" in grid.axes else f"{protocol.dropout:g}"


def _exits(board: Board) -> str:
    """Return how points were given up within training, in a sentence; nothing where none could be."""
    if board.suite.search is None:
        return ""
    halving = board.suite.search.halving
    rungs = ", ".join(map(str, halving.rungs))
    return (
        f" After evaluations {rungs}, {halving.keep:.0%} of the combinations of each backbone went on, the best by the "
        f"validation part, and the others were trained no further: {several(len(board.exits), 'point')} in all."
    )


def _listed(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values))


def _optimiser(protocol: Protocol, grid: Grid) -> str:
    length = several(protocol.steps, "step") if protocol.steps else several(protocol.epochs or 0, "epoch")
    micro = f" ({protocol.micro_batch_size} at a time)" if protocol.micro_batch_size else ""
    clipped = (
        f"gradients clipped to a norm of {protocol.gradient_clipping:g}"
        if protocol.gradient_clipping
        else "gradients not clipped"
    )
    said = within_training(protocol)
    evaluated = f" Each trial was {said}." if said else ""
    return (
        f"Training took {length} in batches of {several(protocol.batch_size, 'report')}{micro}, by AdamW at a peak "
        f"learning rate of {_rate(grid, protocol)}, rising over {several(protocol.warmup_steps, 'step')} and "
        f"{SCHEDULES[protocol.schedule]}, with weight decay {protocol.weight_decay:g} and {clipped}.{evaluated}"
    )


def _rate(grid: Grid, protocol: Protocol) -> str:
    return "each point's own" if "learning_rate" in grid.axes else f"{protocol.learning_rate:g}"


def _choice(board: Board) -> Item:
    label = METRICS[board.primary].label
    chosen = [row for row in board.entries if row.best]
    listed = tuple(f"Chosen: {row.name}, {row.point}" for row in chosen)
    further = ", then the first of the further axes" if board.suite.grid.varying else ""
    undecided = {row.backbone for row in board.rows} - {row.backbone for row in chosen}
    if board.rows and not chosen:
        text = "No point of the grid was chosen; all are reported."
    else:
        text = (
            f"One point of the grid was chosen for each backbone by its mean {label} over seeds on the validation "
            f"part; of equal points the one with the smaller rank, then the smaller alpha{further}. The test part had "
            "no say."
        )
        if board.split.folds:
            text += " Each fold chose so for itself."
        text += " Where none could be chosen, all points are reported." if undecided else ""
    return Item(
        id="choice", section="Models", topic="Choice of the final models", asked_by=asked("6b", claim=True),
        text=text, entries=listed,
    )  # fmt: skip


def _prompt(board: Board) -> list[Item]:
    return [
        Item(
            id="prompt", section="Models", topic="Prompt", asked_by=asked("9a", "3"),
            text="The one instruction, in training and in writing, for every backbone, verbatim:",
            verbatim=board.suite.protocol.prompt,
        ),
        Item(
            id="prompt_structure", section="Models", topic="Structure of the prompt", asked_by=asked("9a", "4"),
            text="One study's image and the instruction, in each backbone's own turn markers; one query a study, each "
            f"by itself, without examples{_but_untuned(board)} and without an earlier conversation.",
        ),
        *_untuned(board),
        Item(
            id="prompt_testing", section="Models", topic="Testing of the prompt", asked_by=asked("9a 9b", "5"),
            needed="how the wording was arrived at and why, which others were tried, and on which data; the "
            "run used one",
        ),
    ]  # fmt: skip


def _but_untuned(board: Board) -> str:
    return " (but for untuned rows that say so)" if any(isinstance(way, FewShot) for way in board.suite.untuned) else ""


def _asked(way: Untuned) -> str:
    if isinstance(way, FewShot):
        return (
            f"by the one instruction behind {several(way.few_shot, 'report')} of the training part, as text, of blocks "
            f"that are neither validated nor tested on, drawn with seed {way.seed}"
        )
    if way == "instructed":
        return "by the instruction below, which states sections and categories"
    return "by the one instruction"


def _untuned(board: Board) -> list[Item]:
    """Return how backbones were asked without tuning; nothing where none was."""
    ways = board.suite.untuned
    if not ways:
        return []
    listed = "; ".join(_asked(way) for way in ways)
    return [
        Item(
            id="untuned", section="Models", topic="Backbones without tuning", asked_by=asked("6b", "3"),
            text=f"Each backbone also wrote without any tuning: {listed}. What tuning gains is judged by the way that "
            "did best on the validation part.",
            verbatim=INSTRUCTED if "instructed" in ways else None,
        )
    ]  # fmt: skip


def _decoding(board: Board) -> Item:
    protocol, seeds = board.suite.protocol, board.fewest_seeds
    rates = [row.length_limit_rate for row in board.rows if row.length_limit_rate is not None]
    most = f"At most {percent(max(rates))} of a row's reports were" if any(rates) else "No report was"
    cut = f" {most} cut off there." if rates else ""
    training = (
        "Training was done once at each point, so how far another seed would move a score is not known."
        if seeds == 1
        else f"Training was repeated with {seeds} seeds at each point."
    )
    return Item(
        id="decoding", section="Models", topic="Decoding and stochasticity", asked_by=asked("6b 6c", "2"),
        text="Greedy decoding: the likeliest token at each step; no sampling, so no temperature, no beams, no penalty "
        f"of repetition. A report ends at the end token or after {several(protocol.max_new_tokens, 'token')}.{cut} One "
        f"report was written for each image and adapter. {training}",
    )  # fmt: skip
