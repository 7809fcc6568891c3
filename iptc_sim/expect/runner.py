"""Run the flows of a file and judge what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from iptc_sim.api import trace
from iptc_sim.diagnostics import Diagnostic, IptcError, UsageError
from iptc_sim.engine import Session, pick_branch
from iptc_sim.expect.claims import run_claim
from iptc_sim.expect.expected import Failure, judge
from iptc_sim.expect.in_kernel import InKernel, NotSentError
from iptc_sim.expect.loading import Loaded
from iptc_sim.expect.model import AnyCase, Case, RulesetCase, Step
from iptc_sim.expect.nearest import nearest
from iptc_sim.render import render_path
from iptc_sim.render.tested import FileResult, FlowResult, Missed, Status
from iptc_sim.steps import Trace


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


def run_case(case: AnyCase, loaded: Loaded, kernel: InKernel | None = None) -> FlowResult:
    """Run one flow or sequence, or judge a claim; what cannot be judged is an error of that case.

    Args:
        case: of the file.
        loaded: the file with its rules.
        kernel: also sends packets through the kernel; claims about rulesets are none of its business.
    """
    if isinstance(case, RulesetCase):
        return run_claim(case, loaded)
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


def run(
    loaded: Loaded, wanted: Callable[[AnyCase], bool] = lambda _: True, kernel: InKernel | None = None
) -> FileResult:
    """Run the flows of a file, and judge its claims about rulesets.

    Args:
        loaded: the file with its rules.
        wanted: which of them.
        kernel: also sends them through the kernel.
    """
    cases = (case for case in loaded.file.cases if wanted(case))
    return FileResult(loaded.file.source.name, tuple(run_case(case, loaded, kernel) for case in cases))
