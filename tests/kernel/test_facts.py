"""Each fact of kernel-facts.md, asked of the kernel, with the simulator's answer beside it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import ip_address
from typing import Final

import pytest

from iptc_sim.kernel import KernelTrace, Lab, RulesRefusedError, Walk, answer_to
from iptc_sim.kernel.report import Arrival
from iptc_sim.kernel.topology import Host, Surroundings
from iptc_sim.packet import Packet
from iptc_sim.steps import Fate
from iptc_sim.values import UNKNOWN, Variant
from iptc_sim.verify.compare import Divergence, Terms, compare
from iptc_sim.verify.report import divergence_text
from iptc_sim.verify.run import _made_known
from iptc_sim.wire.fragments import is_fragment
from iptc_sim.wire.packets import packet_bytes, read_packet, with_transport
from tests.engine.facts.all_cases import CASES, REFUSED
from tests.engine.facts.case import Case, Change, Refused, Send, Stand, table
from tests.engine.facts.seen import GONE, LEAVES, LOCAL, Seen, faults
from tests.engine.facts.simulated import Simulation
from tests.engine.facts.simulated import what_is_seen as what_is_simulated
from tests.engine.facts.stands import routes_of

pytestmark = pytest.mark.kernel

_IP_TRANSPARENT: Final = 19


@dataclass
class Labs:
    """Labs that stay open: one for each node, back end and manner."""

    stack: contextlib.ExitStack
    found: dict[tuple[str, str, bool, str], Lab] = field(default_factory=dict)

    def lab(self, stand: Stand, variant: str, *, quiet: bool, sets: str = "") -> Lab:
        key = stand.key, variant, quiet, sets
        if key not in self.found:
            hosts = {ip_address(text): Host(*told) for text, told in stand.hosts.items()}
            around = Surroundings(
                stand.interfaces, routes_of(stand), stand.sysctls, stand.bridges, stand.setup, hosts=hosts
            )
            self.found[key] = self.stack.enter_context(Lab(around, reader="netlink", quiet=quiet, texts=False))
        return self.found[key]


@pytest.fixture(scope="module")
def labs() -> Iterator[Labs]:
    with contextlib.ExitStack() as stack:
        yield Labs(stack)


class Play:
    """A case in a lab."""

    def __init__(self, case: Case, lab: Lab, variant: str) -> None:
        self.case, self.lab, self.variant = case, lab, variant
        self.traces: list[KernelTrace] = []
        self.seen: list[Seen] = []

    def load(self) -> None:
        self.lab.load(self.case.rules, self.case.family, self.variant, sets=self.case.sets)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Let somebody wait at the ports of the case."""
        with contextlib.ExitStack() as stack:
            for port in self.case.listens:
                stack.enter_context(self.lab.call(partial(transparent_listener, port)))
            yield

    def change(self, event: Change) -> None:
        tool = f"{'iptables' if self.case.family == 4 else 'ip6tables'}-{self.variant}"
        for command in event.commands:
            self.lab.run([tool, *command.split()])

    def send(self, event: Send) -> KernelTrace:
        if event.packet is not None:
            return self.lab.inject(on_the_wire(event.packet))
        if event.answers is None:
            raise AssertionError("an event has a packet or answers one")
        asked = self.traces[event.answers]
        if asked.arrival is not None:
            return self.lab.answer(asked.arrival)
        return self.lab.inject(answer_to(delivered(asked), None))

    def keep(self, found: KernelTrace, seen: Seen) -> None:
        self.traces.append(found)
        self.seen.append(seen)


def transparent_listener(port: int) -> socket.socket:
    link = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    link.setsockopt(socket.SOL_IP, _IP_TRANSPARENT, 1)
    link.bind(("0.0.0.0", port))
    link.listen()
    return link


def on_the_wire(packet: Packet) -> Packet:
    """Return an ICMP error with the packet that it is about in its bytes: the header and eight bytes behind it."""
    if packet.sport is UNKNOWN:
        return replace(packet, sport=0, dport=0)  # a later fragment: its bytes have none
    if packet.inner is None or packet.raw is not None:
        return packet
    about = packet_bytes(packet.inner, 1)[: 28 if packet.family == 4 else 48]
    head = bytes((packet.icmp_type or 0, packet.icmp_code or 0)) + bytes(6)
    return with_transport(packet, head + about)


def delivered(found: KernelTrace) -> Packet:
    """Return the packet as the node itself got it."""
    last = found.passages[-1].end
    assert last is not None
    sent = found.packet
    assert sent is not None
    return replace(
        sent, source=last.source, destination=last.destination, sport=last.sport, dport=last.dport, in_interface=None
    )


def what_is_seen(walks: tuple[Walk, ...], arrival: Arrival | None, stand: Stand) -> Seen:
    """Return what is seen of the walks of one packet."""
    passages = [passage for walk in walks for passage in walk.passages]
    last = passages[-1].end if passages else None
    delivered_here = last is not None and passages[-1].hook == "INPUT"
    packet = arrival.packet if arrival else None
    if packet is not None and packet.raw is not None and packet.icmp_type in {3, 4, 5, 11, 12}:
        packet = replace(packet, inner=read_packet(packet.raw[28:], None))
    return Seen(
        path=tuple(name for walk in walks for name in walk.path),
        hits=tuple((f"{hit.table}:{hit.chain}", hit.number) for walk in walks for hit in walk.hits if hit.number),
        fate=LEAVES if arrival else LOCAL if delivered_here else GONE,
        packet=packet,
        interface=bridge_of(arrival.interface, stand) if arrival else None,
        mark=last.mark if last else None,
    )


def bridge_of(interface: str, stand: Stand) -> str:
    """Return the interface that rules see for one by which a packet left."""
    return next((bridge for bridge, ports in stand.bridges.items() if interface in ports), interface)


def seen_in(found: KernelTrace, stand: Stand) -> Seen:
    own = what_is_seen(found.walks, found.arrival, stand)
    family = found.packet.family if found.packet else None
    others = [one for one in found.other_arrivals if one.packet.family is family]
    other = others[0] if others else None
    answered = what_is_seen(found.other_walks, other, stand) if found.other_walks else None
    entry = str(found.entry.reply) if found.entry else "none"
    return replace(own, error=found.error, entry=entry, back=answered)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_fact(case: Case, variant: str, labs: Labs) -> None:
    if variant not in case.variants:
        pytest.skip(f"it is said of {case.variants[0]}")
    play = Play(case, labs.lab(case.stand, variant, quiet=not case.answering, sets=case.sets), variant)
    simulation = Simulation(case, variant)
    # Where the node answers, its RST has taken the entry away by the time that it is looked for.
    terms = Terms(simulation.session.ruleset, verdicts=variant == Variant.NFT, entries=not case.answering)
    play.load()
    with play.listening():
        _compare(case, play, simulation, terms)


def _compare(case: Case, play: Play, simulation: Simulation, terms: Terms) -> None:
    for event in case.events:
        if isinstance(event, Change):
            play.change(event)
            simulation.change(event)
            terms = replace(terms, ruleset=simulation.session.ruleset)
            continue
        sent = simulation.packet(event)
        ours = simulation.send(event)
        theirs = play.send(event)
        seen = seen_in(theirs, case.stand)
        wrong = faults(event.says, seen, sent, play.seen)
        assert wrong == [], ("the kernel", len(play.seen), wrong, str(theirs))
        # Who listens on the node is not told, so neither is what it answers to what it gets.
        # The entry of a packet that was put together cannot be looked up by the tuple of its last fragment.
        entries = terms.entries and not is_fragment(sent)
        end = compare(ours, theirs, replace(terms, answers=event.says.fate is not Fate.LOCAL, entries=entries))
        assert not isinstance(end, Divergence), divergence_text(end)
        play.keep(theirs, seen)
        end = replace(end, connection=_made_known(end.connection, theirs.entry))
        simulation.settle(end, what_is_simulated(ours, end))


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_refused(case: Refused, variant: str, labs: Labs) -> None:
    lab = labs.lab(CASES[0].stand, variant, quiet=True)
    with pytest.raises(RulesRefusedError):
        lab.load(table(case.table, case.line), case.family, variant)
