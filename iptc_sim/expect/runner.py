"""Run the flows of a file and judge what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from iptc_sim.api import trace
from iptc_sim.diagnostics import Diagnostic, InputError, IptcError, SourceFile, Span, UsageError, read_source
from iptc_sim.engine import Session, pick_branch
from iptc_sim.engine.excerpt import complete_excerpt
from iptc_sim.expect.expected import Failure, judge
from iptc_sim.expect.in_kernel import InKernel, NotSentError
from iptc_sim.expect.model import Case, FlowsFile, RulesFrom, Step
from iptc_sim.expect.nearest import nearest
from iptc_sim.kube.compiler import compile_text
from iptc_sim.kube.names_of import names_of
from iptc_sim.kube.text import Spelling
from iptc_sim.records import dataclass, replace
from iptc_sim.render import Labels, render_path
from iptc_sim.render.tested import FileResult, FlowResult, Missed, Status
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import Trace
from iptc_sim.syntax import parse


@dataclass(frozen=True, slots=True)
class Loaded:
    """A flows file with its rules.

    Args:
        file: the file.
        ruleset: the rules, an excerpt completed as :func:`iptc_sim.trace` does it.
        labels: names for chains.
    """

    file: FlowsFile
    ruleset: Ruleset
    labels: Labels

    @property
    def notes(self) -> tuple[Diagnostic, ...]:
        """What was noticed while reading: in the rules, in objects, and about names in flows."""
        cluster, names = self.file.rules.cluster, self.file.names
        of_cluster = cluster.notes if cluster else ()
        of_names = tuple(names.notes) if names else ()
        return (*self.ruleset.notes, *of_cluster, *of_names)


def load(file: FlowsFile) -> Loaded:
    """Read the rules of a flows file.

    Raises:
        InputError: they cannot be read.
    """
    ruleset = complete_excerpt(_rules(file.rules, file.source))
    return Loaded(file, ruleset, names_of(ruleset))


def _rules(rules: RulesFrom, source: SourceFile) -> Ruleset:
    if rules.cluster is not None and rules.settings is not None:
        text = compile_text(rules.cluster, rules.settings, Spelling.SAVE)
        return parse(SourceFile("<generated>", text), family=rules.settings.family)
    if rules.text:
        return parse(SourceFile(f"{source.name}: rules", rules.text), family=rules.family, table=rules.table)
    sources = []
    for marked, path in rules.files:
        try:
            sources.append(read_source(str(path), path))
        except InputError as error:
            span = Span(source, *marked.start, len(marked.text or ""))
            raise InputError(*(replace(item, span=span, subject="") for item in error.diagnostics)) from error
    return parse(sources, family=rules.family, table=rules.table)


def traces(case: Case, loaded: Loaded) -> Iterator[tuple[Step, Trace]]:
    """Yield for each packet of a case what happens to it.

    Raises:
        UsageError: IPT043 or IPT044, it cannot be followed, or it is not told which of several ways a step took.
        InputError: the rules cannot be walked.
    """
    node = loaded.file.node
    if not case.in_turn:
        (step,) = case.steps
        yield step, trace(loaded.ruleset, step.flow, node, now=step.at, history=step.history)
        return
    session = Session(loaded.ruleset, node, connections=node.connections or (), fresh=True)
    for number, step in enumerate(case.steps, 1):
        session.at(step.at)
        found = session.send(step.flow)
        yield step, found
        if number == len(case.steps):
            return
        taken = pick_branch(found, pick=step.went_to or None, subject="went-to")
        if len(taken.ends) != 1:
            message = f"it cannot be told which of {len(taken.ends)} ways step {number} took"
            hint = f"went-to: {found.ends[0].packet.destination_text}"
            raise UsageError(Diagnostic("IPT044", message, subject=case.name, hint=hint))
        session.settle(taken.end)


def run_case(case: Case, loaded: Loaded, kernel: InKernel | None = None) -> FlowResult:
    """Run one flow or sequence; what cannot be judged is an error of that case."""
    started = time.perf_counter()
    missed: list[Missed] = []
    seen: list[Trace] = []
    error, sent, not_sent = "", 0, ""
    try:
        for number, (step, found) in enumerate(traces(case, loaded), 1):
            seen.append(found)
            failures = judge(step.expected, found) if step.expected else ()
            missed += _missed(failures, found, loaded, number if case.in_turn else 0)
        if kernel is not None:
            sent, differs = _in_kernel(case, loaded, kernel, seen)
            missed += differs
    except NotSentError as reason:
        not_sent = str(reason)
    except IptcError as wrong:
        error = "\n".join(item.render() for item in wrong.diagnostics)
    status = Status.ERROR if error else Status.FAILED if missed else Status.PASSED
    spent = time.perf_counter() - started
    return FlowResult(case.name, case.line, status, tuple(missed), error, spent, sent, not_sent)


def _missed(failures: tuple[Failure, ...], found: Trace, loaded: Loaded, step: int) -> Iterator[Missed]:
    path = render_path(found, loaded.labels) if failures else ""
    for number, failure in enumerate(failures):
        closest = nearest(failure, found, loaded.ruleset)
        last = number == len(failures) - 1  # the path stands once, behind all of them
        yield Missed(failure.key, str(failure), closest, path if last else "", step)


def _in_kernel(case: Case, loaded: Loaded, kernel: InKernel, seen: list[Trace]) -> tuple[int, list[Missed]]:
    """Send the packets of a case through the kernel.

    Raises:
        NotSentError: they cannot be.
    """
    kernel.demand_no_time(step.at for step in case.steps)
    before = [earlier.flow for step in case.steps for earlier in step.history or ()]
    flows = [*before, *(step.flow for step in case.steps)]
    sent = kernel.send(loaded.ruleset, loaded.file.node, flows, sets=loaded.file.sets)
    differs = sent.against(seen)
    if not differs:
        return len(flows), []
    return len(flows), [Missed("kernel", "expected the kernel to do the same, but it does not", path=differs)]


def run(loaded: Loaded, wanted: Callable[[Case], bool] = lambda _: True, kernel: InKernel | None = None) -> FileResult:
    """Run the flows of a file.

    Args:
        loaded: the file with its rules.
        wanted: which of its flows.
        kernel: also sends them through the kernel.
    """
    cases = (case for case in loaded.file.cases if wanted(case))
    return FileResult(loaded.file.source.name, tuple(run_case(case, loaded, kernel) for case in cases))
