"""Flows files as tests of pytest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iptc_sim.diagnostics import InputError, IptcError
from iptc_sim.expect.in_kernel import InKernel
from iptc_sim.expect.loading import Loaded, load
from iptc_sim.expect.model import AnyCase
from iptc_sim.expect.reading import read_flows_file
from iptc_sim.expect.runner import run_case
from iptc_sim.render.tested import missed_text


class FlowsCollector(pytest.File):
    """A flows file; its rules are read when the first of its tests is run.

    Args:
        kernel: also sends packets through the kernel.
    """

    def __init__(self, *, kernel: InKernel | None = None, **given: Any) -> None:
        super().__init__(**given)
        self.kernel = kernel
        self.loaded: Loaded | None = None

    def collect(self) -> Iterator[FlowItem]:
        """Yield an item for each flow, sequence and claim about the rules."""
        try:
            self.file = read_flows_file(self.path, name=self.nodeid)
        except InputError as error:
            raise self.CollectError(str(error)) from error
        for case in self.file.cases:
            yield FlowItem.from_parent(self, name=case.name, case=case)

    def rules(self) -> Loaded:
        """Return the file with its rules."""
        if self.loaded is None:
            self.loaded = load(self.file)
        return self.loaded


class FlowItem(pytest.Item):
    """A flow or sequence of a file, or a claim about its rules.

    Args:
        case: what it says.
    """

    def __init__(self, *, case: AnyCase, **given: Any) -> None:
        super().__init__(**given)
        self.case = case

    def runtest(self) -> None:
        """Run it."""
        if not isinstance(self.parent, FlowsCollector):
            raise TypeError(self.parent)
        try:
            found = run_case(self.case, self.parent.rules(), self.parent.kernel)
        except IptcError as error:
            pytest.fail(str(error), pytrace=False)
        wrong = [*map(missed_text, found.missed), *([found.error] if found.error else [])]
        if wrong:
            pytest.fail("\n\n".join(wrong), pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return its place in the file."""
        return self.path, self.case.line - 1, self.name
