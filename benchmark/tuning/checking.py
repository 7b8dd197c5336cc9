"""A plugin made of a checkpoint's files, held to the contract once; `benchmark.entries.verdicts` keeps the verdict."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from backbones.contract import Clause, check, fits_four_bits, sentence_of
from benchmark.entries.verdicts import Verdict, keep, verdict_of
from benchmark.errors import UserError
from benchmark.tuning.contract import CLAUSES, loss_by_parts, packed_as_sequential

if TYPE_CHECKING:
    from backbones.generic import GenericBackbone
    from backbones.published_files import PublishedFiles


def checked(
    files: "PublishedFiles",
    plugin: "type[GenericBackbone]",
    listener: Callable[["Clause"], None] = lambda clause: None,
) -> Verdict:
    """Hold a plugin to the contract on its automatic miniature; return the outcome, which is kept.

    Args:
        files, plugin: of a checkpoint.
        listener: told each clause as it comes out.
    """
    together, narrow, head = map(sentence_of, (packed_as_sequential, fits_four_bits, loss_by_parts))
    plugin.packable = plugin.plain_logits = True
    outcomes: dict[str, Clause] = {}
    for clause in check(plugin, CLAUSES):
        outcomes[clause.sentence] = clause
        listener(clause)
    broken = [c for c in outcomes.values() if not c.kept and c.sentence not in (together, narrow, head)]
    why_alone = outcomes[together].reason if together in outcomes else None
    verdict = Verdict(
        packed=why_alone is None,
        why_alone=why_alone,
        broken=tuple(f"{clause.sentence}: {clause.reason}" for clause in broken),
        four_bits=outcomes[narrow].reason if narrow in outcomes else None,
        own_head=outcomes[head].reason if head in outcomes else None,
    )
    keep(verdict, files, plugin)
    return verdict


def require(files: "PublishedFiles", plugin: "type[GenericBackbone]") -> Verdict:
    """Return a plugin's verdict, checking it where nobody has.

    Raises:
        UserError: it breaks a clause without which its results would be wrong.
    """
    verdict = verdict_of(files, plugin) or checked(files, plugin)
    verdict.put_on(plugin)
    if verdict.broken:
        raise UserError(
            f"{files.name}: can't run without a plugin of its own: {'; '.join(verdict.broken)}. "
            "`amrg backbones new` begins one."
        )
    return verdict
