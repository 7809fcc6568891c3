"""``diff --behaviour``: what is said of a witness is what the kernel does with it, under both rulesets.

``IPTC_WITNESSES=300`` tries that many with each back end; the suite tries ten. Witnesses that hang on what cannot be told are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest

from iptc_sim.behaviour.answer import DifferenceClass, Verdict
from iptc_sim.behaviour.differ import differ
from iptc_sim.behaviour.endings import endings
from iptc_sim.engine import explore
from iptc_sim.kernel import requirements
from iptc_sim.kernel.errors import KernelError
from iptc_sim.protocols import ICMP, TCP, UDP
from iptc_sim.steps import End, Fate, Trace
from iptc_sim.syntax import parse
from iptc_sim.values import UNKNOWN, Variant
from iptc_sim.verify import Divergence, Verifier
from tests.behaviour.mutate import Small, drawn, mutated, taken

pytestmark = pytest.mark.kernel
COUNT = int(os.environ.get("IPTC_WITNESSES", "10"))
#: How many pairs at most are drawn for each witness.
_PATIENCE = 12


def witnesses(variant: Variant) -> Iterator[tuple[str, str, str, DifferenceClass]]:
    """Yield how a pair came to be, A, B and a class with a witness that can be sent as it is."""
    for seed in range(5000, 5000 + COUNT * _PATIENCE):
        random = Random(seed)
        a = taken(drawn(seed) if seed % 4 == 0 else Small(random, nat=seed % 2 == 1).text())
        how, b = mutated(a, random)
        found = differ(parse(a, variant=variant), parse(b, variant=variant), limit=3, budget=40_000)
        if found.verdict is not Verdict.DIFFERENT:
            continue
        plain = [item for item in found.classes if _can_be_sent(item, a, b, variant)]
        if plain:
            yield how, a, b, random.choice(plain)


def _can_be_sent(item: DifferenceClass, a: str, b: str, variant: Variant) -> bool:
    packet = item.flow.packet
    if item.answers or item.flow.state is not None or packet.protocol not in {TCP, UDP, ICMP} or packet.ttl < 3:
        return False
    source, destination = packet.source, packet.destination
    if source is UNKNOWN or destination is UNKNOWN or source.is_loopback or destination.is_multicast:
        return False
    if int(destination) in {0, 0xFFFFFFFF}:
        return False
    traces = [explore(parse(text, variant=variant), item.flow, item.node) for text in (a, b)]
    return [endings(one) for one in traces] == [item.ours, item.theirs]


@pytest.mark.parametrize("variant", list(Variant))
def test_witnesses(variant: Variant) -> None:
    if reason := requirements(variant):
        pytest.skip(reason)
    seen, refused = 0, 0
    for how, a, b, item in witnesses(variant):
        try:
            told = [_sent(text, item, trace, variant) for text, trace in zip((a, b), item.traces, strict=True)]
        except KernelError:
            refused += 1  # this kernel has not all of the extensions
            continue
        seen += 1
        assert told == [True, True], (how, str(item.flow), told, a, b)
        if seen == COUNT:
            break
    assert seen >= COUNT // 2, (seen, refused)


def _sent(text: str, item: DifferenceClass, trace: Trace, variant: Variant) -> object:
    """Send a witness through one ruleset; return True where the kernel does one of the things that are said of it."""
    with Verifier(item.node, variant) as verifier:
        verifier.load(parse(text, variant=variant), text)
        done = verifier.send(item.flow)
    if isinstance(done, Divergence):
        return str(done.difference)
    end, _ = done
    told = {_ending(one) for one in trace.ends}
    return _ending(end) in told or f"{_ending(end)} is none of {told}"


def _ending(end: End) -> tuple[object, ...]:
    """Return what counts: of a packet that got through where it came and with which mark."""
    if end.fate in {Fate.DROP, Fate.REJECT, Fate.LOST}:
        return end.fate, end.code
    return end.fate, end.packet.destination_text, end.packet.mark
