"""All cases of all facts."""

from __future__ import annotations

from typing import Final

from tests.engine.facts import (
    answers,
    bridges,
    conntrack,
    destinations,
    hooks,
    local_addresses,
    marks,
    matches,
    sources,
    states,
)
from tests.engine.facts.case import Case, Refused

CASES: Final[tuple[Case, ...]] = (
    *hooks.CASES,
    *answers.CASES,
    *conntrack.CASES,
    *marks.CASES,
    *destinations.CASES,
    *sources.CASES,
    *states.CASES,
    *matches.CASES,
    *local_addresses.CASES,
    *bridges.CASES,
)
REFUSED: Final[tuple[Refused, ...]] = (*conntrack.REFUSED, *matches.REFUSED)
