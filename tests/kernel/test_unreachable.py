"""Rules that lint calls unreachable never count a packet in the kernel.

``IPTC_UNREACHABLE=100000`` sends that many packets; the suite sends 1,500.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Final

import pytest

from iptc_sim.diagnostics import InputError
from iptc_sim.kernel import Lab, requirements
from iptc_sim.kernel.sending import answer_to, bytes_to_send
from iptc_sim.lint import lint
from iptc_sim.packet import Packet
from iptc_sim.records import replace
from iptc_sim.ruleset import Ruleset
from iptc_sim.syntax import parse
from iptc_sim.values import Family, Variant
from iptc_sim.verify.fuzz import Fuzz
from iptc_sim.verify.generator import Case, draw_case

pytestmark = pytest.mark.kernel

PACKETS: Final = int(os.environ.get("IPTC_UNREACHABLE", "1500"))
#: Packets sent through each ruleset.
EACH: Final = 150
CODES: Final = frozenset({"IPT100", "IPT101", "IPT102", "IPT105", "IPT112"})
_WIDE: Final = (
    "-p tcp", "-p udp", "-p icmp", "", "-i eth0", "-i eth1", "-o eth0", "-o eth1", "-p tcp --dport 1:1023",
    "-p tcp --dport 1024:65535", "-p udp --dport 0:32767", "-m conntrack --ctstate NEW",
    "-m conntrack --ctstate ESTABLISHED,RELATED", "-m mark --mark 0x0/0x1", "-m mark --mark 0x1/0x1", "! -p tcp",
    "-m addrtype --dst-type LOCAL", "-m addrtype ! --dst-type LOCAL", "-p tcp -m multiport --dports 22,80,443",
    "-m statistic --mode random --probability 0.5", "-m limit --limit 1/hour",
)  # fmt: skip
_ENDS: Final = ("-j ACCEPT", "-j ACCEPT", "-j RETURN", "-j DROP", "-j MARK --set-xmark 0x1/0x3", "")

Place = tuple[str, str, int]


def shadowing(case: Case, seed: int) -> Case:
    """Put wide rules with verdicts among the rules of a case, and copies of rules behind them."""
    draw = random.Random(seed)
    lines: list[str] = []
    for line in case.text.split("\n"):
        chain = line.split()[1] if line.startswith("-A ") else ""
        if chain and draw.random() < 0.5:
            lines.append(f"-A {chain} {draw.choice(_WIDE)} {draw.choice(_ENDS)}")
        lines.append(line)
        if chain and draw.random() < 0.2:
            lines.append(line)
        if chain and draw.random() < 0.4:
            lines.append(f"-A {chain} {draw.choice(_WIDE)} {draw.choice(_WIDE)} {draw.choice(_ENDS)}")
    while True:
        try:
            text = "\n".join(lines)
            return replace(case, text=text, ruleset=parse(text, family=case.ruleset.family))
        except InputError as error:
            refused = {found.span.line for found in error.diagnostics if found.span}
            assert refused
            lines = [line for number, line in enumerate(lines, 1) if number not in refused]


def unreachable(ruleset: Ruleset) -> dict[Place, str]:
    """Return the rules of which lint says that no packet fits them, with the code that says so."""
    found: dict[Place, str] = {}
    for one in lint(ruleset, codes=CODES):
        assert one.spot is not None
        if "loopback" in one.diagnostic.message:
            continue  # packets for 127.0.0.1 from outside are martians, not none
        spot = one.spot
        last = spot.number
        if one.code == "IPT105":
            chain = ruleset.chain(spot.table, spot.chain)
            assert chain is not None
            last = len(chain.rules)
        found |= {(spot.table, spot.chain, number): one.code for number in range(spot.number, last + 1)}
    return found


def counted(lab: Lab, family: Family, variant: Variant) -> dict[Place, int]:
    """Return how many packets each rule of the node has counted."""
    text = lab.run([f"ip{'6' if family is Family.IPV6 else ''}tables-{variant}-save", "-c"])
    ruleset = parse(text, family=family)
    return {
        (table.name, chain.name, number): rule.counters.packets if rule.counters else 0
        for table, chain, number, rule in ruleset.rules()
    }


def send(lab: Lab, case: Case, number: int) -> None:
    """Send packets without looking at what becomes of them: new ones, more of the same, and answers."""
    before: list[Packet] = []
    for identifier in range(1, number + 1):
        packet = case.packets.next().packet
        if before and identifier % 3 == 0:
            packet = random.Random(identifier).choice(before[-8:])
            if identifier % 2 and packet.in_interface is not None and packet.physical_in is None:
                packet = answer_to(packet, random.Random(identifier).choice((None, *case.topology.interfaces)))
                if packet.in_interface is not None and case.topology.ports(str(packet.in_interface)):
                    continue
        before.append(packet)
        lab._send(packet, bytes_to_send(packet, identifier))
    lab._far_end.received()


def cases(number: int) -> Iterator[Case]:
    for seed in range(number):
        case = draw_case(f"unreachable/{seed}", Family.IPV6 if seed % 3 == 2 else Family.IPV4)
        case.packets._fragments = 0
        yield shadowing(case, seed)


@pytest.mark.parametrize("variant", list(Variant))
def test_no_unreachable_rule_counts_a_packet(variant: Variant) -> None:
    if reason := requirements(variant):
        pytest.skip(reason)
    wrong, claims, others = [], dict[str, int](), 0
    with Fuzz(variant) as fuzz:
        for case in cases(max(1, PACKETS // EACH // len(Variant))):
            verifier = fuzz._verifier(case)
            loaded = fuzz._loaded(verifier, case)
            ruleset = replace(loaded.ruleset, variant=variant)
            called = unreachable(ruleset)
            send(verifier.lab, loaded, EACH)
            counts = counted(verifier.lab, ruleset.family, variant)
            for place, code in called.items():
                claims[code] = claims.get(code, 0) + 1
                if counts[place]:
                    wrong.append(f"{case.seed} {code} {place} counted {counts[place]}\n{loaded.text}")
            others += sum(1 for place, count in counts.items() if count and place not in called)
    assert not wrong, f"{len(wrong)} of {claims}\n" + "\n\n".join(wrong[:3])
    assert claims.get("IPT100", 0) > 5, claims  # it was asked at all
    assert others > 50  # and packets do meet rules: of those that are reachable many have counted


def test_a_rule_that_is_reachable_would_be_found(variant: str) -> None:
    """Were all rules called unreachable, some would be caught."""
    with Fuzz(Variant(variant)) as fuzz:
        case = next(cases(1))
        verifier = fuzz._verifier(case)
        loaded = fuzz._loaded(verifier, case)
        send(verifier.lab, loaded, EACH)
        counts = counted(verifier.lab, loaded.ruleset.family, Variant(variant))
        assert counts.keys() >= {(table.name, chain.name, number) for table, chain, number, _ in loaded.ruleset.rules()}
        assert sum(1 for count in counts.values() if count) > 5
