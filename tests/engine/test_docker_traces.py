"""What dockerd's own rules did with real packets (xtables-monitor, conntrack and curl), beside the simulator.

A recorded trace shows tables raw and nat. Rules of raw with ``-j TRACE``, by which it was recorded, are not in
``iptables-save.txt``; so where dockerd has no rule in raw, that table is not in the dump, and its policies are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from iptc_sim import Fate, parse
from iptc_sim.connection import Flow
from iptc_sim.engine import Session
from iptc_sim.flows import parse_flow
from iptc_sim.node import Node, Sysctls
from iptc_sim.packet import Packet
from iptc_sim.protocols import TCP
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import End, PolicyStep, RuleStep, Trace

pytestmark = pytest.mark.corpora

FOLDERS = [f"{release}-trace-{proxy}-127.0.0.2" for release in ("20.10", "29.7") for proxy in ("proxy", "noproxy")]
_FIELD = re.compile(r"(\w+)=(\S+)")
_EVENT = re.compile(r" TRACE: 2 \w+ (\w+):(\w+):(?:rule:0x\w+:)?(policy:)?(\w+)(?::\w+)?\s*(?:-4 -t \w+ (.*?))?\s*$")


@dataclass
class Recorded:
    """One packet, and what fitted on its way: ``table CHAIN: the rule`` or ``table CHAIN: policy``."""

    packet: Packet
    hits: list[str] = field(default_factory=list)


def node(folder: Path) -> Node:
    """Return the host: the recording tells its switches only."""
    found = Node.of({"eth0": ["10.0.0.1/24"], "docker0": ["172.17.0.1/16"]})
    return replace(found, sysctls=Sysctls.parse((folder / "sysctl.txt").read_text()))


def rules(folder: Path) -> Ruleset:
    return parse((folder / "iptables-save.txt").read_text())


def recorded(folder: Path) -> Iterator[Recorded]:
    """Yield the packets of a recording, in order; the two halves of a way over lo are one."""
    packets: dict[tuple[str, ...], Recorded] = {}
    last: Recorded | None = None
    for line in (folder / "trace.txt").read_text().splitlines():
        if line.startswith("PACKET:"):
            told = dict(_FIELD.findall(line))
            # nat changes ports and addresses on the way, the id and the sequence of the same sender stay.
            same = (told["ID"], told["LEN"]) if told["ID"] != "0" else (told["ID"], told["SPORT"], told["DPORT"])
            if same not in packets:
                packets[same] = Recorded(_packet(told, line.split()[-6:]))
            last = packets[same]
        elif (found := _EVENT.match(line)) and last is not None:
            table, chain, policy, verdict, text = found.groups()
            if text is None or not text.endswith("-j TRACE"):
                last.hits.append(f"{table} {chain}: {policy or ''}{verdict if policy else text}")
    yield from packets.values()


def _packet(told: dict[str, str], words: list[str]) -> Packet:
    flags = frozenset(words) & {"SYN", "ACK", "PSH", "FIN", "RST"}
    came = told.get("IN")
    return Packet(
        ip_address(told["SRC"]), ip_address(told["DST"]), TCP, int(told["SPORT"]), int(told["DPORT"]), flags,
        in_interface=None if came in {None, "lo"} else came,
    )  # fmt: skip


def hits(found: Trace, end: End) -> list[str]:
    """Return what the recording would show of a trace."""
    texts = []
    for step in found.steps(end):
        if isinstance(step, RuleStep) and step.matched:
            texts.append((step.table, f"{step.table} {step.chain}: {step.rule.text}"))
        elif isinstance(step, PolicyStep):
            texts.append((step.table, f"{step.table} {step.chain}: policy:{step.policy}"))
    return [text for table, text in texts if table in {"raw", "nat"}]


@pytest.mark.parametrize("name", FOLDERS)
def test_every_recorded_packet_takes_the_same_way(corpora: Path, name: str) -> None:
    folder = corpora / "docker" / name
    ruleset = rules(folder)
    session = Session(ruleset, node(folder))
    number = 0
    for number, one in enumerate(recorded(folder), 1):
        found = session.send(Flow(one.packet))
        session.settle(found.end)
        shown = [hit for hit in one.hits if "raw" in ruleset.tables or not hit.startswith("raw ")]
        assert hits(found, found.end) == shown, (number, str(one.packet))
        assert found.end.fate in {Fate.LOCAL, Fate.SENT}, (number, str(one.packet))
    assert number > 10
    kept = {f"{entry.original} | {entry.reply}" for entry in session.situation.connections}
    assert kept == set(_entries(folder))


def _entries(folder: Path) -> Iterator[str]:
    for line in (folder / "conntrack.txt").read_text().splitlines():
        values = [value for name, value in _FIELD.findall(line) if name in {"src", "dst", "sport", "dport"}]
        one, other = (f"{s}:{sp} -> {d}:{dp}" for s, d, sp, dp in (values[:4], values[4:]))
        yield f"{one} | {other}"


#: What curl said, and what that shows of the first packet.
SAID = {"hello-from-container": Fate.FORWARD, "curl: (7)": Fate.LOCAL, "curl: (28)": Fate.DROP}
#: The line of result.txt, and the first packet of that connection.
CLIENTS = {
    "$ (outside host 10.0.0.9) curl http://10.0.0.1:8080": "tcp 10.0.0.9:33000 -> 10.0.0.1:8080 in eth0",
    "$ (outside, direct) curl http://172.17.0.2:80": "tcp 10.0.0.9:33000 -> 172.17.0.2:80 in eth0",
    "$ (outside, route 127.0.0.2 via host) curl http://127.0.0.2:8080": "tcp 10.0.0.9:33000 -> 127.0.0.2:8080 in eth0",
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", FOLDERS)
def test_clients_outside_get_what_curl_got(corpora: Path, name: str, client: str) -> None:
    folder = corpora / "docker" / name
    lines = (folder / "result.txt").read_text().splitlines()
    said = lines[lines.index(client) + 1]
    expected = next(fate for start, fate in SAID.items() if said.startswith(start))
    end = Session(rules(folder), node(folder)).send(parse_flow(CLIENTS[client])).end
    assert end.fate is expected
    if expected is Fate.FORWARD:
        assert (end.packet.destination_text, end.packet.out_interface) == ("172.17.0.2:80", "docker0")
