"""What is left to chance: the kernel's draws are from the distribution that a trace tells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from ipaddress import IPv4Address
from itertools import product

import pytest

from iptc_sim.api import trace
from iptc_sim.connection import Flow
from iptc_sim.kernel import Lab
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.protocols import UDP
from iptc_sim.steps import RuleStep, Trace, TranslateStep
from iptc_sim.values import UNKNOWN
from tests.kernel.draws import (
    DRAWS,
    End,
    PortCounts,
    agree,
    chi_square_tail,
    drawn_ports,
    hit_counts,
    load,
    p_value,
    send_udp,
)
from tests.kernel.scenario import table

INTERFACES = {"eth0": ["192.0.2.10/24"], "eth1": ["10.0.0.1/16"]}
NODE = Node.of(INTERFACES)
OWN = IPv4Address("192.0.2.10")
FAR = IPv4Address("192.0.2.20")
#: Where the clients are whose ports are counted; the one whose port another client has already is outside.
CLIENTS = "10.0.0.0/17"
#: How many cells a range of ports is cut into.
CELLS = 64


@pytest.fixture(scope="module")
def labs() -> Iterator[Callable[[str], Lab]]:
    """Gives the lab of a back end, one for all tests."""
    opened: dict[str, Lab] = {}

    def lab(variant: str) -> Lab:
        if variant not in opened:
            opened[variant] = Lab(INTERFACES, quiet=True).__enter__()
        return opened[variant]

    yield lab
    for one in opened.values():
        one.__exit__(None, None, None)


def packet(source: End, destination: End) -> Packet:
    return Packet(source[0], destination[0], UDP, source[1], destination[1], frozenset())


# --- the arithmetic of the tests themselves


@pytest.mark.parametrize(
    ("distance", "freedom", "tail"),
    [(3.841, 1, 0.05), (5.991, 2, 0.05), (10.828, 1, 0.001), (16.266, 3, 0.001), (18.307, 10, 0.05),
     (29.588, 10, 0.001), (124.342, 100, 0.05), (149.449, 100, 0.001), (1118.948, 1000, 0.005)],
)  # fmt: skip
def test_the_tail_is_that_of_the_tables(distance: float, freedom: int, tail: float) -> None:
    """NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4: upper critical values of chi-square."""
    assert chi_square_tail(distance, freedom) == pytest.approx(tail, rel=0.002)


def test_a_wrong_distribution_is_doubted() -> None:
    counts = Counter(a=6052, b=6981, c=6967)
    fair = {name: Fraction(1, 3) for name in "abc"}
    right = {"a": Fraction(30, 100), "b": Fraction(35, 100), "c": Fraction(35, 100)}
    assert p_value(fair, counts) < 1e-6
    assert p_value(right, counts) > 0.05
    assert p_value({"a": Fraction(1, 2), "b": Fraction(1, 2)}, counts) == 0


# --- statistic


def kube_chain(endpoints: int) -> str:
    """Return a Service as kube-proxy writes it: each of the rules takes its share of what is left."""
    lines = [":KUBE-SVC - [0:0]", "-A OUTPUT -d 192.0.2.20/32 -p udp --dport 53 -j KUBE-SVC"]
    for number in range(endpoints):
        left = endpoints - number
        chance = f"-m statistic --mode random --probability {1 / left:.10f} " if left > 1 else ""
        lines.append(f"-A KUBE-SVC {chance}-j KUBE-SEP-{number}")
        lines.append(f"-A KUBE-SEP-{number} -p udp -j DNAT --to-destination 192.0.2.{100 + number}:5353")
    return table("nat", *(f":KUBE-SEP-{number} - [0:0]" for number in range(endpoints)), *lines)


def chances(*conditions: str) -> str:
    """Return rules that let a packet out of the table by one of them."""
    return table("mangle", *(f"-A OUTPUT -p udp {text} -j ACCEPT" for text in (*conditions, "")))


STATISTIC = {
    "3 endpoints": kube_chain(3),
    "7 endpoints": kube_chain(7),
    "negated": chances(
        "-m statistic --mode random ! --probability 0.25",
        "-m statistic --mode random ! --probability 0.9",
        "-m statistic --mode random ! --probability 0.5",
    ),
    "odd": chances(
        "-m statistic --mode random --probability 0.123456789",
        "-m statistic --mode random --probability 0.0000000005",
        "-m statistic --mode random --probability 0.7071067811865475",
        "-m statistic --mode random ! --probability 0.9999999995",
        "-m statistic --mode random --probability 0.01",
        "-m statistic --mode random ! --probability 0.314159265358979",
    ),
    "two of one rule": chances(
        "-m statistic --mode random --probability 0.6 -m statistic --mode random ! --probability 0.3",
        "-m statistic --mode random --probability 0 -m statistic --mode random --probability 0.5",
        "-m statistic --mode random --probability 1 -m statistic --mode random --probability 0.5",
    ),
}


def told_by_rule(found: Trace) -> dict[str, Fraction]:
    """Return the odds of each rule to be the last one that fits."""
    told: dict[str, Fraction] = {}
    for end in found.ends:
        *_, last = (step for step in found.steps(end) if isinstance(step, RuleStep) and step.matched)
        assert end.odds is not None
        place = f"{last.table} {last.chain} {last.number}"
        told[place] = told.get(place, Fraction(0)) + end.odds.fraction
    return told


@pytest.mark.kernel
@pytest.mark.parametrize("name", STATISTIC)
def test_statistic_rules_fit_as_often_as_the_odds_say(
    name: str, variant: str, labs: Callable[[str], Lab], request: pytest.FixtureRequest
) -> None:
    rules = STATISTIC[name]
    expected = told_by_rule(trace(rules, packet((OWN, 20000), (FAR, 53)), NODE))
    lab = labs(variant)

    def draw() -> Counter[str]:
        load(lab, rules, variant)
        send_udp(lab, (((OWN, 20000 + number), (FAR, 53)) for number in range(DRAWS)))
        hits = hit_counts(lab, variant)
        return Counter(
            {place: hits[chain, name, int(rule)] for place in expected for chain, name, rule in [place.split()]}
        )

    agreed, said = agree(expected, draw)
    request.node.user_properties.append(("chi-square", said))
    assert agreed, said


# --- ports


@dataclass(frozen=True)
class PortCase:
    """A translation that draws a port.

    Args:
        rule: of nat.
        sport: the client's port.
        clash: whether another client has the same port towards the same destination, so that it is taken.
        chain: where the rule stands.
    """

    rule: str
    sport: int = 40000
    clash: bool = False
    chain: str = "POSTROUTING"

    @property
    def drawn(self) -> str:
        """Which port is drawn."""
        return "sport" if self.chain == "POSTROUTING" else "dport"

    @property
    def rules(self) -> str:
        return table("nat", *([f"-A {self.chain} -p udp {self.rule}"] if self.rule else []))

    def pairs(self) -> Iterator[tuple[tuple[End, End], tuple[End, End]]]:
        """Yield for each draw the first client's packet and the one that is looked at; no two draws share a tuple."""
        for number, (host, dport) in zip(range(DRAWS), product(range(200), range(1000, 1200)), strict=False):
            destination = FAR + host, dport
            yield (
                ((IPv4Address("10.0.128.1"), self.sport), destination),
                ((IPv4Address("10.0.0.2") + number, self.sport), destination),
            )


MASQUERADE = "-o eth0 -j MASQUERADE"
SNAT = "-o eth0 -j SNAT --to-source 192.0.2.10"
DNAT = "-j DNAT --to-destination 192.0.2.250"

PORTS = {
    "MASQUERADE --random": PortCase(f"{MASQUERADE} --random"),
    "MASQUERADE --random of a port below 512": PortCase(f"{MASQUERADE} --random", 300),
    "MASQUERADE --random of a port below 1024": PortCase(f"{MASQUERADE} --random", 700),
    "MASQUERADE --random-fully": PortCase(f"{MASQUERADE} --random-fully"),
    "MASQUERADE --random-fully of a port below 512": PortCase(f"{MASQUERADE} --random-fully", 300),
    "MASQUERADE --to-ports": PortCase(f"{MASQUERADE} --to-ports 2000-2099"),
    "MASQUERADE --to-ports --random": PortCase(f"{MASQUERADE} --to-ports 39990-40009 --random"),
    "SNAT --random": PortCase(f"{SNAT} --random"),
    "SNAT --random-fully": PortCase(f"{SNAT} --random-fully"),
    "SNAT of ports": PortCase(f"{SNAT}:5000-5006"),
    "SNAT of ports --random": PortCase(f"{SNAT}:1024-33792 --random"),
    "DNAT of ports --random": PortCase(f"{DNAT}:8000-8009 --random", chain="OUTPUT"),
    "DNAT of many ports --random": PortCase(f"{DNAT}:1000-40000 --random", chain="OUTPUT"),
    "REDIRECT --random": PortCase("-j REDIRECT --to-ports 7000-7012 --random", chain="OUTPUT"),
    "a clash of ports below 512": PortCase(SNAT, 300, clash=True),
    "a clash of ports below 1024": PortCase(SNAT, 700, clash=True),
    "a clash of ports from 1024 on": PortCase(MASQUERADE, clash=True),
    "a clash in a range of ports": PortCase(f"{SNAT}:40000-40099", clash=True),
}


def told_range(case: PortCase) -> tuple[int, int]:
    """Return the first and the last of the ports that the trace says one is drawn of."""
    first, looked_at = next(case.pairs())
    history = (Flow(packet(*first)),) if case.clash else ()
    found = trace(case.rules, packet(*looked_at), NODE, history=history)
    assert getattr(found.end.packet, case.drawn) is UNKNOWN
    notes = [step.note for step in found.steps(found.end) if isinstance(step, TranslateStep)]
    (ports,) = (told for note in notes if (told := re.search(r"one of the ports (\d+)[:-](\d+), drawn", note)))
    return int(ports[1]), int(ports[2])


@pytest.mark.kernel
@pytest.mark.parametrize("name", PORTS)
def test_ports_are_drawn_from_the_range_that_the_trace_tells(
    name: str, variant: str, labs: Callable[[str], Lab], request: pytest.FixtureRequest
) -> None:
    case = PORTS[name]
    expected = drawn_ports(*told_range(case), CELLS)
    lab = labs(variant)

    def draw() -> Counter[str]:
        load(lab, case.rules, variant)
        pairs = list(case.pairs())
        with PortCounts(lab, case.drawn, expected, CLIENTS) as counts:
            if case.clash:
                send_udp(lab, (first for first, _ in pairs))
            send_udp(lab, (looked_at for _, looked_at in pairs))
            found = counts.read()
        assert found.total() == DRAWS
        return found

    agreed, said = agree(expected, draw)
    request.node.user_properties.append(("chi-square", said))
    assert agreed, said
