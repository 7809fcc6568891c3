"""Expectations about packets, and claims about rulesets: read from flows files, judged, run, recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from iptc_sim.diagnostics import Diagnostic, InputError
from iptc_sim.expect.asked import Asked
from iptc_sim.expect.expected import Expected, Failure, judge
from iptc_sim.expect.in_kernel import InKernel, NotSentError
from iptc_sim.expect.loading import Loaded, load
from iptc_sim.expect.model import ENDINGS, AnyCase, Case, FlowsFile, RulesetCase
from iptc_sim.expect.nearest import nearest
from iptc_sim.expect.reading import read_flows_file
from iptc_sim.expect.runner import run, run_case

__all__ = [
    "ENDINGS",
    "AnyCase",
    "Asked",
    "Case",
    "Expected",
    "Failure",
    "FlowsFile",
    "InKernel",
    "Loaded",
    "NotSentError",
    "RulesetCase",
    "find_files",
    "judge",
    "load",
    "nearest",
    "read_flows_file",
    "run",
    "run_case",
]


def find_files(names: Iterable[str]) -> Iterator[str]:
    """Yield the flows files that names stand for: files as they are, of folders those in it and below.

    Raises:
        InputError: IPT003, a folder holds none.
    """
    for name in names:
        if not Path(name).is_dir():
            yield name
            continue
        found = sorted(path for path in Path(name).rglob("*") if path.name.endswith(ENDINGS) and path.is_file())
        if not found:
            message = f"there is no {' or '.join(f'*{ending}' for ending in ENDINGS)} file in this folder"
            raise InputError(Diagnostic("IPT003", message, subject=name))
        yield from map(str, found)
