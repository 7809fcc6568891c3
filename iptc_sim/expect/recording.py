"""Run a flows file and write the expectations that it lacks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from iptc_sim.diagnostics import Diagnostic, IptcError, UsageError
from iptc_sim.expect.loading import Loaded
from iptc_sim.expect.model import AnyCase, RulesetCase
from iptc_sim.expect.record import Recorded, record, with_recorded
from iptc_sim.expect.runner import run_case, traces
from iptc_sim.records import replace
from iptc_sim.render.tested import FileResult, FlowResult, Status


def record_file(loaded: Loaded, path: Path, wanted: Callable[[AnyCase], bool] = lambda _: True) -> FileResult:
    """Run the flows of a file, and write into it what happens today to those that have no expectation.

    What cannot be recorded is an error of its flow; the others are written all the same. Claims about rulesets are
    judged and left as they are.

    Args:
        loaded: the file with its rules.
        path: where to write.
        wanted: which of its flows.

    Raises:
        UsageError: IPT131, an alias stands for several flows; IPT004, the file cannot be written.
    """
    found: list[Recorded] = []
    done = [_case(case, loaded, found) for case in loaded.file.cases if wanted(case)]
    if found:
        text = with_recorded(loaded.file.source, found)
        try:
            path.write_text(text, newline="")
        except OSError as error:
            message = f"it cannot be written: {(error.strerror or str(error)).lower()}"
            raise UsageError(Diagnostic("IPT004", message, subject=str(path))) from error
    return FileResult(loaded.file.source.name, tuple(done))


def _case(case: AnyCase, loaded: Loaded, found: list[Recorded]) -> FlowResult:
    tested = run_case(case, loaded)
    own: list[Recorded] = []
    if tested.error or isinstance(case, RulesetCase):
        return tested
    try:
        own += [
            record(step, seen, case, loaded.file.source) for step, seen in traces(case, loaded) if step.expected is None
        ]
    except IptcError as error:
        text = "\n".join(item.render() for item in error.diagnostics)
        return replace(tested, status=Status.ERROR, error=text)
    found += own
    return replace(tested, recorded="; ".join(item.text for item in own))
