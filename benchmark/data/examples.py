"""Which training reports an untuned backbone is shown as examples: few, different, and of no block that is tested."""

from collections.abc import Sequence

from benchmark.data.pseudorandom import shuffle_key
from benchmark.data.split import Split
from benchmark.data.study import Study
from benchmark.errors import UserError
from benchmark.forms.untuned import FewShot
from metrics.text.whitespace import collapse_whitespace


def choose_examples(studies: Sequence[Study], split: Split, asked: FewShot) -> tuple[str, ...]:
    """Return ids of training studies whose reports are shown, in the order in which they are shown.

    In the order of a hash of seed and id, each a report of another text than those before: first one of each block,
    then, where there are fewer blocks than reports asked for, more of the same. Blocks that a validation or test study
    is in are left out, so that what is shown says nothing of a patient who is tested on.

    Args:
        studies: those of the split among them.
        split: whose training part is chosen from.
        asked: how many, and the seed.

    Raises:
        UserError: there aren't as many.
    """
    elsewhere = {split.blocks[i] for i in (*split.validation, *split.test)}
    candidates = [study for study in split.studies("train", studies) if split.blocks[study.id] not in elsewhere]
    first: dict[str, str] = {}
    more: dict[str, str] = {}
    blocks: set[str] = set()
    for study in sorted(candidates, key=lambda study: shuffle_key(asked.seed, study.id)):
        text, block = collapse_whitespace(study.report), split.blocks[study.id]
        (more if block in blocks else first).setdefault(text, study.id)
        blocks.add(block)
    chosen = [*first.values(), *(study for text, study in more.items() if text not in first)]
    if len(chosen) < asked.few_shot:
        raise UserError(
            f"untuned: few_shot {asked.few_shot} asks for as many different reports of training blocks of which "
            f"nothing is validated or tested on, but the split {split.name} has {len(chosen)}. Ask for fewer, or use "
            "the split blocked."
        )
    return tuple(chosen[: asked.few_shot])
