"""Claims about a ruleset as a whole: that it does the same as another one, and that there is nothing odd in it."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

from iptc_sim.diagnostics import IptcError, SourceFile
from iptc_sim.engine.excerpt import complete_excerpt
from iptc_sim.expect.loading import Loaded, read_written
from iptc_sim.expect.model import Equivalent, NoFindings, RulesetCase
from iptc_sim.kube.names_of import JoinedNames, names_of
from iptc_sim.node import Node
from iptc_sim.records import dataclass
from iptc_sim.render.tested import FlowResult, Missed, Status, Subject
from iptc_sim.ruleset import Ruleset

if TYPE_CHECKING:
    from iptc_sim.behaviour.answer import Behaviour

#: A machine with more addresses and routes than these was captured, not told by hand: a command that shows a witness
#: again does not repeat them.
_TOLD_BY_HAND: Final = 24

# The machinery of both claims takes longer to import than most flows files to run, so it is imported where it is used.


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a claim.

    Args:
        missed: what does not hold; None: it holds.
        note: what there is to say all the same.
    """

    missed: Missed | None = None
    note: str = ""


def compare(a: Ruleset, b: Ruleset, node: Node | None = None) -> Behaviour:
    """Tell whether two rulesets treat some packet differently; excerpts are completed as :func:`iptc_sim.trace` does.

    Args:
        a: one ruleset.
        b: the other.
        node: the machine; None: any.

    Raises:
        UsageError: IPT004, they are of two address families.
        InputError: IPT033, the chains are such that the kernel refuses them.
    """
    from iptc_sim.behaviour.differ import differ  # noqa: PLC0415

    return differ(complete_excerpt(a), complete_excerpt(b), node)


def judge_equivalent(
    found: Behaviour, names: tuple[str, str], node: Node | None = None, *, undecided_passes: bool = False
) -> Judged:
    """Judge the claim that two rulesets treat all packets alike.

    Args:
        found: the comparison.
        names: what to call A and B.
        node: the machine; None: any, and each witness has one of its own.
        undecided_passes: whether it is enough that no difference was found.
    """
    from iptc_sim.behaviour.answer import Verdict  # noqa: PLC0415
    from iptc_sim.render.behaviour_text import render_behaviour, summary  # noqa: PLC0415

    if found.verdict is Verdict.EQUIVALENT:
        return Judged()
    if found.verdict is Verdict.UNDECIDED and undecided_passes:
        return Judged(note=summary(found))
    labels = JoinedNames(names_of(found.a), names_of(found.b))
    are = "they are" if found.verdict is Verdict.DIFFERENT else "that is"
    made = node is None or len(node.addresses) + len(node.routes) <= _TOLD_BY_HAND
    sentence = f"expected the rules to be equivalent to {names[1]}, but {are} {summary(found)}"
    return Judged(Missed("equivalent-to", sentence, path=render_behaviour(found, names, labels, made=made)))


def judge_findings(
    ruleset: Ruleset,
    sources: Iterable[SourceFile] | None = None,
    *,
    ignored: Collection[str] = (),
    baseline: SourceFile | None = None,
) -> Judged:
    """Judge the claim that ``iptc-sim check --lint`` finds nothing in rules; its notes count, too.

    Args:
        ruleset: the rules.
        sources: their files, with the comments in them that say what is to be ignored; None: those of the rules.
        ignored: codes that do not count.
        baseline: findings that do not count, as ``--write-baseline`` has written them.

    Raises:
        InputError: IPT055 or IPT056, the baseline is none.
    """
    from iptc_sim.lint import SEVERITIES, lint, without_ignored, without_known  # noqa: PLC0415
    from iptc_sim.render.lint_text import findings_text  # noqa: PLC0415

    codes = frozenset(SEVERITIES) - frozenset(ignored)
    files = tuple(_sources_of(ruleset) if sources is None else sources)
    found = without_ignored(lint(ruleset, codes=codes), ruleset, files, codes)
    if baseline is not None:
        found = without_known(found, baseline, codes)
    if not found:
        return Judged()
    told = ", ".join(sorted({item.code for item in found}))
    sentence = f"expected no findings, but there {'is one' if len(found) == 1 else f'are {len(found)}'}: {told}"
    return Judged(Missed("no-findings", sentence, path=findings_text(found, names_of(ruleset), len(files))))


def _sources_of(ruleset: Ruleset) -> Iterable[SourceFile]:
    """Return the files that rules stand in, each once."""
    return {id(rule.source): rule.source for _, _, _, rule in ruleset.rules() if rule.source is not None}.values()


def run_claim(case: RulesetCase, loaded: Loaded) -> FlowResult:
    """Judge a claim of a flows file; what cannot be judged is an error of that case."""
    started = time.perf_counter()
    judged, error = Judged(), ""
    try:
        judged = _judge(case, loaded)
    except IptcError as wrong:
        error = "\n".join(item.render() for item in wrong.diagnostics)
    missed = () if judged.missed is None else (judged.missed,)
    status = Status.ERROR if error else Status.FAILED if missed else Status.PASSED
    spent = time.perf_counter() - started
    return FlowResult(case.name, case.line, status, missed, error, spent, note=judged.note, subject=Subject.RULESET)


def _judge(case: RulesetCase, loaded: Loaded) -> Judged:
    """Judge a claim.

    Raises:
        InputError: the other rules, or the baseline, cannot be read.
        UsageError: the rulesets cannot be compared.
    """
    match case.claim:
        case NoFindings(ignored, baseline):
            ours = loaded.written
            return judge_findings(ours.ruleset, ours.sources, ignored=ignored, baseline=baseline)
        case Equivalent(rules, undecided_passes):
            theirs = read_written(rules, loaded.file.source, f"rulesets: {case.name}")
            node = loaded.file.told_node
            names = loaded.written.name, theirs.name
            found = compare(loaded.ruleset, theirs.ruleset, node)
            return judge_equivalent(found, names, node, undecided_passes=undecided_passes)
