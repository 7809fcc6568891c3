"""Each fact of kernel-facts.md, asked of the simulator; ``tests/kernel/test_facts.py`` asks the kernel the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iptc_sim.diagnostics import InputError
from iptc_sim.syntax import parse
from tests.engine.facts.all_cases import CASES, REFUSED
from tests.engine.facts.case import Case, Refused, table
from tests.engine.facts.simulated import Simulation

_NAME = re.compile(r"`([a-z0-9_*]+)`")
_BRACKETS = re.compile(r"\(((?:`[a-z0-9_*]+`,?\s*)+)\)")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_fact(case: Case) -> None:
    for variant in case.variants:
        assert list(Simulation(case, variant).faults()) == []


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_refused(case: Refused) -> None:
    with pytest.raises(InputError):
        parse(table(case.table, case.line), family=case.family, strict=True)


def test_every_fact_is_there(corpora: Path) -> None:
    page = corpora.parent / "reference" / "kernel-facts.md"
    if not page.is_file():
        pytest.skip(f"no {page}")
    told = {name for brackets in _BRACKETS.findall(page.read_text()) for name in _NAME.findall(brackets)}
    shown = {case.fact for case in CASES} | {case.fact for case in REFUSED}
    assert len(told) > 40
    missing = {name for name in told if not any(re.fullmatch(name.replace("*", ".*"), one) for one in shown)}
    assert missing == set()
