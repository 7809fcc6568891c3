"""z3 is asked the same, in an encoding of its own: both verdicts must be its, too."""

from __future__ import annotations

import os
from random import Random

import pytest

from iptc_sim.behaviour.differ import differ
from iptc_sim.syntax import parse
from tests.behaviour.mutate import Small, mutated, taken

z3_oracle = pytest.importorskip("tests.behaviour.z3_oracle", reason="z3-solver is not installed", exc_type=ImportError)

PAIRS = int(os.environ.get("IPTC_PAIRS", "60"))


@pytest.mark.parametrize("seed", range(PAIRS))
def test_same_answer(seed: int) -> None:
    random = Random(seed)
    a = taken(Small(random, nat=False, draws=False).text())
    how, b = mutated(a, random)
    if any("--ctstate" in text.partition("COMMIT")[0] and text.startswith("*raw") for text in (a, b)):
        pytest.skip("a rule of raw that asks for a state was drawn: there is none yet, which the oracle does not know")
    found = differ(parse(a), parse(b), limit=200)
    assert not found.undecided
    wanted = [z3_oracle.differs(a, b, way) for way in z3_oracle.WAYS]
    assert None not in wanted
    # A class is told by the way of its witness, though the packets of some go either way.
    assert any(item.entry != "local" for item in found.classes) == any(wanted), (how, a, b)
