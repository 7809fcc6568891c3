"""What holds for every trace: it is repeatable, its odds sum to one, and equal ends are merged without loss."""

from __future__ import annotations

import inspect
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

from hypothesis import event, given, settings
from hypothesis import strategies as st

from iptc_sim import Node, Trace, odds, parse, trace
from iptc_sim.engine.outcomes import Outcome, outcomes
from iptc_sim.values import Odds

NODE = Node.of({"eth0": ["192.0.2.10/24"], "eth1": ["10.0.0.1/24"], "cni0": ["10.244.0.1/16"]})
#: A node of which nothing is known: interfaces and addresses are unclear too.
NODES = st.sampled_from([NODE, None])
FLOWS = st.sampled_from(
    [
        "tcp 192.0.2.77:33000 -> 10.0.0.9:80 in eth0",
        "udp 192.0.2.77:33000 -> 10.0.0.9:53 in eth0",
        "tcp 192.0.2.77:33000 -> 192.0.2.10:80 in eth0",
        "tcp 192.0.2.10:33000 -> 10.0.0.9:80 from host",
        "tcp 192.0.2.77:33000 -> 10.0.0.9:80",
        "tcp 127.0.0.1:33000 -> 127.0.0.1:80 from host",
    ]
)
TABLES = {
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}
SIGN = st.sampled_from(["", "! "])

RANDOM = st.builds(
    lambda sign, steps: f"-m statistic --mode random {sign}--probability {steps / 2**31:.11f}",
    SIGN,
    st.one_of(st.integers(0, 2**31), st.sampled_from([0, 1, 2**30, 2**31 - 1, 2**31])),
)
NTH = st.integers(1, 7).flatmap(
    lambda every: st.builds(
        lambda sign, packet: f"-m statistic --mode nth {sign}--every {every} --packet {packet}",
        SIGN,
        st.integers(0, every - 1),
    )
)
#: What cannot be told of these flows, with odds or without.
UNCLEAR = st.sampled_from(
    [
        "-m limit --limit 3/sec",
        "-m recent --name seen --rcheck",
        "-m recent --name seen --update --seconds 60",
        "-m set --match-set friends src",
        "-m cpu --cpu 0",
        "-m time --timestart 10:00 --timestop 11:00",
        "-m mark --mark 0x1",
        "-m conntrack --ctstate NEW",
    ]
)
MATCHES = st.one_of(
    st.just(""),
    st.builds(
        lambda *texts: " ".join(filter(None, texts)), st.one_of(RANDOM, NTH), st.one_of(st.just(""), RANDOM, UNCLEAR)
    ),
    UNCLEAR,
)
GO_ON = st.sampled_from(["-j RETURN", "-j ACCEPT", "-j MARK --set-xmark 0x1/0x1", "-j LOG", ""])
ENDS = {"filter": ["-j DROP", "-j REJECT"], "mangle": ["-j DROP"], "nat": []}
SOURCES = ["-p tcp -j MASQUERADE --random", "-j SNAT --to-source 192.0.2.50-192.0.2.52", "-p tcp -j MASQUERADE"]
DESTINATIONS = [
    "-j DNAT --to-destination 10.244.0.2-10.244.0.5",
    "-p tcp -j DNAT --to-destination 10.244.0.2-10.244.0.3:8000-8009 --random",
    "-p tcp -j DNAT --to-destination 10.244.0.7:8080",
    "-p tcp -j REDIRECT --to-ports 7000-7003 --random",
]


def targets(table: str, chain: str) -> st.SearchStrategy[str]:
    found = list(ENDS[table])
    if chain.startswith("own"):
        return st.one_of(GO_ON, st.sampled_from(found)) if found else GO_ON
    if table == "nat":
        found += SOURCES if chain == "POSTROUTING" else DESTINATIONS if chain != "INPUT" else SOURCES[1:2]
    return st.one_of(GO_ON, st.sampled_from([*found, "-j own", "-g own"]))


@st.composite
def rulesets(draw: st.DrawFn) -> str:
    """Return a dump of a few rules, about half of them unclear."""
    lines = []
    for table in draw(st.lists(st.sampled_from(sorted(TABLES)), min_size=1, max_size=2, unique=True)):
        lines += [f"*{table}", ":own - [0:0]", *(f":{chain} ACCEPT [0:0]" for chain in TABLES[table])]
        for chain in ("own", *TABLES[table]):
            texts = draw(st.lists(st.tuples(MATCHES, targets(table, chain)), max_size=3 if chain == "own" else 2))
            lines += [" ".join(filter(None, (f"-A {chain}", *text))) for text in texts]
        lines.append("COMMIT")
    return "\n".join([*lines, ""])


@given(rulesets(), FLOWS, NODES, st.booleans())
@settings(max_examples=300, deadline=None)
def test_what_holds_for_every_trace(rules: str, flow: str, node: Node | None, fresh: bool) -> None:
    history = () if fresh else None
    found = trace(parse(rules), flow, node, history=history)
    event(f"{min(len(found.ends), 9)} ends")
    assert found == trace(parse(rules), flow, node, history=history)
    check_odds(found)
    check_outcomes(found)


def check_odds(found: Trace) -> None:
    """At every fork all siblings have odds that sum to one, or none has; those of an end are their product."""
    siblings = defaultdict(list)
    for segment in found.segments:
        if segment.parent is not None:
            siblings[segment.parent].append(segment.chance)
    for chances in siblings.values():
        known = [chance.fraction for chance in chances if chance is not None]
        assert not known or (len(known) == len(chances) and sum(known) == 1)
    for end in found.ends:
        way = [segment.chance for segment in found.branch(end)[1:]]
        product = Fraction(1)
        for chance in way:
            product *= chance.fraction if chance is not None else 1
        assert end.odds is None if None in way else end.odds is not None
        assert end.odds is None or end.odds.fraction == product
    if all(end.odds is not None for end in found.ends):
        assert sum(end.odds.fraction for end in found.ends if end.odds is not None) == 1


def check_outcomes(found: Trace) -> None:
    merged = outcomes(found)
    assert sorted(number for outcome in merged for number in outcome.ends) == list(range(1, len(found.ends) + 1))
    keys = {(outcome.fate, outcome.destination, outcome.source, outcome.code) for outcome in merged}
    assert len(keys) == len(merged)
    for outcome in merged:
        ends = [found.ends[number - 1] for number in outcome.ends]
        for end in ends:
            packet = end.packet
            told = outcome.fate, outcome.destination, outcome.source, outcome.code
            assert told == (end.fate, packet.destination_text, packet.source_text, end.code)
        if any(end.odds is None for end in ends):
            assert outcome.odds is None
        else:
            assert outcome.odds is not None
            assert outcome.odds.fraction == sum(end.odds.fraction for end in ends if end.odds is not None)


#: As many endpoints as no Service has.
MANY = 5_000


def service_of(endpoints: int) -> str:
    """Return the rules of a Service as kube-proxy writes them, and what makes it masquerade."""
    jump = "-A KUBE-SERVICES -d 172.30.0.41/32 -p tcp -m tcp --dport 80 -j KUBE-SVC"
    lines = ["-A PREROUTING -j KUBE-SERVICES", jump]
    chains = ["KUBE-SERVICES", "KUBE-SVC"]
    for number in range(endpoints):
        address, left = f"10.244.{number // 250}.{number % 250 + 2}", endpoints - number
        chance = f" -m statistic --mode random --probability {1 / left:.10f}" if left > 1 else ""
        chains.append(f"KUBE-SEP-{number}")
        lines.append(f"-A KUBE-SVC{chance} -j KUBE-SEP-{number}")
        lines.append(f"-A KUBE-SEP-{number} -s {address}/32 -j MARK --set-xmark 0x4000/0x4000")
        lines.append(f"-A KUBE-SEP-{number} -p tcp -m tcp -j DNAT --to-destination {address}:8080")
    lines.append("-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE")
    bases = [f":{chain} ACCEPT [0:0]" for chain in TABLES["nat"]]
    return "\n".join(["*nat", *bases, *(f":{chain} - [0:0]" for chain in chains), *lines, "COMMIT", ""])


@contextmanager
def shallow(frames: int) -> Iterator[None]:
    """Allow so many frames more than there are."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def test_a_service_with_5000_endpoints_needs_neither_depth_nor_long() -> None:
    rules = parse(service_of(MANY))
    spent = []
    found: tuple[Outcome, ...] = ()
    for _ in range(3):  # another job on the machine slows one down, hardly all
        begin = time.process_time()
        with shallow(100):
            found = odds(rules, "tcp 192.0.2.77:33000 -> 172.30.0.41:80 in eth0", NODE)
        spent.append(time.process_time() - begin)
    known = [outcome.odds for outcome in found if outcome.odds is not None]
    total = Odds(0, 1)
    for each in known:
        total = total + each
    assert len(found) == len(known) == MANY
    assert total.numerator == total.denominator
    # The chances that kube-proxy writes have ten decimals.
    assert all(abs(each.numerator * MANY * 10_000 // each.denominator - 10_000) < 10 for each in known)
    assert min(spent) < 5, spent  # about 2 s by itself; tests share the machine
