"""The methods statement's items on evaluation, results and openness."""

from benchmark.board.format import decimal, duration, percent, several, with_interval
from benchmark.board.methods_model import Item, asked
from benchmark.board.model import SIGNIFICANT, Board, Row
from benchmark.board.rights import CONSENT_UNKNOWN, LICENCE
from metrics.labels.measured import measured_of
from metrics.registry import METRICS
from metrics.statistics.sign_flips import COUNTED_BLOCKS, SUMMED_BLOCKS

REPORTED = (
    "rouge_l", "meteor_nltk", "meteor_coco", "bleu_4_coco", "cider_coco_frozen", "birads_exact", "birads_f1_macro",
    "birads_kappa", "density_accuracy", "findings_f1_micro", "location_accuracy", "hallucination_rate",
    "omission_rate",
)  # fmt: skip
"""Scores whose signatures are listed; those of all are in the leaderboard."""
RATES = {
    "hallucination_rate": "of its findings not in the references",
    "omission_rate": "of the references' findings left out",
}
CLEARS = {
    True: "above all image-blind predictors",
    False: "not shown to be above all image-blind predictors",
    None: "whether it is above all image-blind predictors can't be said",
}
EARLIER = (
    "how this was tested: the leaderboard was written by an earlier version of the benchmark, which doesn't record it; "
    "written anew from its results it will say"
)


def _earlier(board: Board) -> bool:
    """Return whether an earlier version made the tests: it showed swapped images once, not all pairs as now."""
    return any("swapped" in row.falls for row in board.rows)


def evaluation_items(board: Board) -> list[Item]:
    """Return how reports were scored and how scores were compared."""
    return [
        _metrics(board),
        _labeler(board),
        Item(
            id="human_evaluation", section="Evaluation", topic="Human evaluation", asked_by=asked("7b 7d"),
            needed="whether radiologists judged the reports: how many, with what experience, by which instructions, "
            "how far they agreed, and how the scores go with their judgement; the run has none",
        ),
        _comparators(board),
        *([] if not board.rows else [_image(board)]),
        _uncertainty(board),
        _pairs(board),
        *([_floors(board)] if board.best_floor else []),
        _size(board),
    ]  # fmt: skip


def _metrics(board: Board) -> Item:
    names = [name for name in dict.fromkeys((board.primary, *REPORTED)) if name in board.signatures]
    return Item(
        id="metrics", section="Evaluation", topic="Metrics", asked_by=asked("7a 7c", claim=True),
        text=f"Primary score: {METRICS[board.primary].label}, named by the suite. Scores have signatures, and are "
        f"comparable only where these are equal{':' if names else '; none is known yet.'}",
        entries=tuple(f"Score {METRICS[name].label}: {board.signatures[name]}" for name in names),
    )  # fmt: skip


def _labeler(board: Board) -> Item:
    by = f" ({board.labeler})" if board.labeler else ""
    return Item(
        id="labeler", section="Evaluation", topic="Reading of categories and findings",
        asked_by=asked("8a", claim=True),
        text=f"BI-RADS category, density, findings and their location were read by rules{by}, in predicted and "
        f"reference reports alike, not by a radiologist. {_agreement(board.labeler)} How far the rules agree with "
        "radiologists was not measured by the run.",
    )  # fmt: skip


def _agreement(labeler: str) -> str:
    """Return how far rules and labels given by hand agree, as it was measured with the labeler."""
    agreement = measured_of(labeler)
    if agreement is None:
        return "The agreement of this version of the rules with labels given by hand was not measured."
    own, other = (f"{one.wholly_right} of {one.reports}" for one in agreement.data_sets)
    return (
        "Measured with the labeler, not by the run: rules and labels given by hand to the texts agree on category, "
        f"density and every finding of {own} reports of DMID, and of {other} in other radiologists' words."
    )


def _comparators(board: Board) -> Item:
    if not board.floors:
        text = "The rows were compared with each other; the suite names no predictor that sees no image."
    else:
        text = (
            "The rows were compared with each other and, on the same test reports, with "
            f"{several(len(board.floors), 'predictor')} that are no rows:"
        )
    return Item(
        id="comparators", section="Evaluation", topic="Comparators", asked_by=asked("7e", claim=True), text=text,
        entries=tuple(
            f"Predictor {floor.name}: {floor.says}{'' if floor.blind else ' (not image-blind)'}; "
            f"{METRICS[board.primary].label} {with_interval(floor.scores.get(board.primary))}"
            for floor in board.floors
        ),
    )  # fmt: skip


def _image(board: Board) -> Item:
    if _earlier(board):
        text = "Each adapter wrote again for another patient's image and for a blank one; what scores lose is reported."
    else:
        text = (
            "What a score loses without the right image was measured by pairing each reference with the report written "
            "for a study of another block, over all such pairs, and by writing again for a blank image. Intervals of "
            "the former take out one block at a time, as reference and as prediction."
        )
    return Item(
        id="image_dependence", section="Evaluation", topic="Dependence on the image", asked_by=asked("7e", claim=True),
        text=text,
    )  # fmt: skip


def _uncertainty(board: Board) -> Item:
    seeds = " and seeds" if board.fewest_seeds > 1 else ""
    return Item(
        id="uncertainty", section="Evaluation", topic="Uncertainty", asked_by=asked("7c", claim=True),
        text=f"The unit of resampling is the block (all studies that may be of one patient), not the image: "
        f"{several(board.blocks, 'block')} in the test part. Intervals are of 95 %, from resamples of blocks{seeds}, "
        "and their width from the components of the variance. A difference of two rows is paired by block.",
    )  # fmt: skip


def _pairs(board: Board) -> Item:
    shared = {
        "id": "tests",
        "section": "Evaluation",
        "topic": "Tests between models",
        "asked_by": asked("7c", claim=True),
    }
    main, grid = board.main_comparisons, board.grid_comparisons
    if _earlier(board):
        return Item.model_validate({**shared, "needed": EARLIER})
    if not grid.pairs:
        return Item.model_validate({**shared, "text": "None: there are no two rows to compare."})
    many = board.fewest_seeds > 1
    spread = (
        " With several seeds, the p by the variance over blocks and seeds is computed too, and the larger one counts."
        if many
        else ""
    )
    return Item.model_validate(
        {
            **shared,
            "text": "Pairs of rows were tested in the primary score by flipping signs block by block: all flips were "
            f"counted up to {SUMMED_BLOCKS} blocks for a score that adds up over blocks, up to {COUNTED_BLOCKS} for "
            f"another, and drawn at random beyond.{spread} Holm's correction is over {several(main.pairs, 'pair')} "
            f"among the rows of the main table, and over {several(grid.pairs, 'pair')} among those of the whole grid; "
            f"significant is p ≤ {SIGNIFICANT:g} after it. Rank sets come from the same tests.",
        }
    )


def _floors(board: Board) -> Item:
    shared = {
        "id": "floors", "section": "Evaluation", "topic": "Tests against image-blind predictors",
        "asked_by": asked("7e", claim=True),
    }  # fmt: skip
    if _earlier(board):
        return Item.model_validate({**shared, "needed": EARLIER})
    blind = sum(floor.blind for floor in board.floors)
    return Item.model_validate(
        {
            **shared,
            "text": "A row is called above all image-blind predictors only if it is better than each of "
            f"the {blind} (intersection-union: the largest p of all), by sign flips of "
            f"blocks, with p ≤ {SIGNIFICANT:g} after Holm's correction for the rows of the table, and an interval of "
            f"the difference from the best of them ({board.best_floor}) that lies above 0.",
        }
    )


def _size(board: Board) -> Item:
    test = board.split.sizes.get("test", 0)
    main = board.main_comparisons
    text = (
        f"All {several(test, 'test study', 'test studies')} were scored; their number is the data set's and the "
        "split's, and was not computed beforehand."
    )
    if not _earlier(board) and main.blocks_needed:
        text += f" A first significant pair takes {several(main.blocks_needed, 'block')}; there are {board.blocks}"
        text += "." if main.blocks_needed <= board.blocks else ", so none could be found, however large the difference."
    if not _earlier(board) and main.detectable is not None:
        text += (
            f" A difference of {decimal(main.detectable)} in {METRICS[board.primary].label} is found with a "
            "probability of 80 % after the correction."
        )
    return Item(id="size", section="Evaluation", topic="Sample size", asked_by=asked(claim=True), text=text)


def result_items(board: Board) -> list[Item]:
    """Return what ran, what failed, and what came out."""
    return [
        _trials(board),
        _performance(board),
        Item(
            id="failure_analysis", section="Results", topic="Failures and subgroups", asked_by=asked("19a", claim=True),
            needed="what the wrong reports have in common when they are read, and how scores differ by age, site or "
            "other groups of patients",
        ),
        _limitations(board),
    ]  # fmt: skip


def _trials(board: Board) -> Item:
    done = sum(len(row.trials) for row in (*board.rows, *board.untuned))
    entries = [f"Failed: {trial.label}: {trial.reason}" for trial in board.failed]
    entries += [f"Not there: {trial.label}: {trial.reason}" for trial in board.missing]
    rest = "Failed or missing:" if entries else "None failed and none is missing."
    return Item(
        id="trials", section="Results", topic="Trials", asked_by=asked("16a", claim=True), entries=tuple(entries),
        text=f"Of {several(board.planned, 'planned trial')} (backbone, rank, alpha and seed) {done} have "
        f"results. {rest}",
    )  # fmt: skip


def _performance(board: Board) -> Item:
    shared = {"id": "performance", "section": "Results", "topic": "Performance", "asked_by": asked("17", claim=True)}
    if not board.rows:
        return Item.model_validate({**shared, "needed": "the scores: no trial has a result yet"})
    sizes = board.split.sizes
    tested = several(sizes.get("test", 0), "study", "studies")
    where = f"On {tested}, each tested in one fold" if board.split.folds else f"On the test part of {tested}"
    text = (
        f"{where}, mean over seeds with the 95 % "
        "interval, best first; rank sets are the places that a row can't be told apart from:"
    )
    return Item.model_validate({**shared, "text": text, "entries": tuple(_row(row, board) for row in board.main_rows)})


def _row(row: Row, board: Board) -> str:
    parts = [f"{METRICS[board.primary].label} {with_interval(row.scores.get(board.primary))}"]
    if row.main_ranks is not None:
        parts.append(f"rank set {row.main_ranks}")
    if row.above_floor is not None and row.above_floor.value is not None:
        parts.append(f"difference from the best image-blind predictor {with_interval(row.above_floor, sign=True)}")
        parts.append(CLEARS[row.clears_floor])
    for name, says in RATES.items():
        score = row.scores.get(name)
        if score is not None and score.value is not None:
            parts.append(f"{percent(score.value)} {says}")
    return f"Model {row.name}, {row.point}: {'; '.join(parts)}"


def _limitations(board: Board) -> Item:
    known = ["all data come from one source, so nothing is said of another"]
    if board.data.source == "phantom":
        known.append("scores on drawings say nothing of scores on patients")
    if any(one.miniature for one in board.checkpoints):
        known.append("miniatures say nothing of the published models whose layout they have")
    if board.fewest_seeds == 1:
        known.append("with one seed adapters are compared, not settings")
    known.append("categories and findings were read by rules")
    listed = "; ".join(known)
    return Item(
        id="limitations", section="Results", topic="Limitations that the run knows of",
        asked_by=asked("19b", claim=True),
        text=f"{listed[0].upper()}{listed[1:]}.",
    )  # fmt: skip


def openness_items(board: Board) -> list[Item]:
    """Return what it took, how to make it again, and what authors declare."""
    return [*_makers(board), *_availability(board), *_declared()]


def _makers(board: Board) -> list[Item]:
    run = board.run
    machines = "; ".join(run.machines) or "none yet"
    commits = [f"{c.removesuffix('+changes')}{' with changes' if c.endswith('+changes') else ''}" for c in run.commits]
    return [
        Item(
            id="compute", section="Openness", topic="Compute", asked_by=asked("12", claim=True),
            text=f"{machines}. All trials together took {duration(run.seconds)} of loading, training, writing and "
            f"scoring, by the {' and '.join(run.engines) or 'packed or sequential'} engine.",
        ),
        Item(
            id="software", section="Openness", topic="Software", asked_by=asked(claim=True),
            text=f"{', '.join(f'{name} {version}' for name, version in run.versions.items()) or 'Not recorded'}.",
        ),
        Item(
            id="code", section="Openness", topic="Code", asked_by=asked("14f", claim=True),
            text=f"The command “{run.command}” runs the suite {board.suite.name} again; commit of amrg: "
            f"{', '.join(commits) or 'not recorded'}.",
        ),
    ]  # fmt: skip


def _availability(board: Board) -> list[Item]:
    shared = {"section": "Openness", "asked_by": asked("14e", claim=True)}
    known = f"What is known of the licence: {LICENCE[board.data.source]}."
    if board.data.source == "phantom":
        text = f"The phantoms and their reports are drawn again, to the same bytes, by the command above. {known}"
        return [Item.model_validate({**shared, "id": "availability", "topic": "Data", "text": text})]
    text = f"The studies lie in a folder in the layout of DMID; whether it is that release isn't known. {known}"
    needed = f"under which consent the data were collected and shared; {CONSENT_UNKNOWN}"
    return [
        Item.model_validate({**shared, "id": "availability", "topic": "Data", "text": text}),
        Item.model_validate(
            {**shared, "id": "data_consent", "topic": "Consent to the use of the data", "needed": needed}
        ),
    ]


def _declared() -> list[Item]:
    """Return what only authors can say."""
    wanted = [
        ("ethics", "Ethics approval and consent", asked("13"),
         "the committee that approved the study, and consent or its waiver; or why neither was needed"),
        ("protocol", "Protocol and registration", asked("14c 14d", claim=True),
         "where the study's protocol can be read and where it was registered before it began; or that it wasn't"),
        ("involvement", "Patient and public involvement", asked("15"), "any involvement; or that there was none"),
        ("funding", "Funding", asked("14a", claim=True), "sources of funding and the role of the funders"),
        ("interests", "Conflicts of interest", asked("14b"), "of all authors"),
    ]  # fmt: skip
    return [
        Item(id=key, section="Openness", topic=topic, asked_by=by, needed=needed) for key, topic, by, needed in wanted
    ]
