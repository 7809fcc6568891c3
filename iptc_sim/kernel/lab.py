"""A node in throw-away namespaces: rules go in, packets go in, and what the kernel did comes out.

How it is known that a trace is whole: after a packet, probe packets of the harness follow on the same CPU. The kernel
handles them in order, so once a probe's own trace is read, so is everything that came before it. The same probes, sent
until the first one shows up, tell when the tracing has really begun.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from types import TracebackType
from typing import Final, Self, TypeVar

from iptc_sim.kernel import rules as rulebook
from iptc_sim.kernel import topology
from iptc_sim.kernel.conntrack import read_entries
from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.events import TraceEvent, TraceSource, walks_of
from iptc_sim.kernel.monitor import XtablesMonitor
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.kernel.nflog import Nflog
from iptc_sim.kernel.report import Arrival, ConntrackEntry, Hit, KernelTrace, Walk
from iptc_sim.kernel.rules import PROBE_PROTOCOL, RuleBook, Variant
from iptc_sim.kernel.wire import answer_to, icmp_id_of, identifier_of, to_bytes
from iptc_sim.node import Route
from iptc_sim.packet import Packet
from iptc_sim.values import Address, Family

T = TypeVar("T")

#: How long a probe may take before the harness gives up (seconds).
_PATIENCE: Final = 10.0
#: How long to wait for one probe at the start, before the next is sent.
_START_STEP: Final = 0.02
#: One probe follows what the packet itself caused; each further one follows the packets caused by those before it:
#: the way over lo, the answer to that, and the answer's way over lo.
_PROBES: Final = 4

_PROBE_SOURCE: Final[dict[Family, Address]] = {
    Family.IPV4: IPv4Address("198.18.0.0"),
    Family.IPV6: IPv6Address("2001:db8:ffff::"),
}
_PROBE_DESTINATION: Final[dict[Family, Address]] = {
    Family.IPV4: IPv4Address("198.19.255.254"),
    Family.IPV6: IPv6Address("2001:db8:ffff:ffff::fe"),
}
_IDENTIFIERS: Final = 0xFFFF


class Lab:
    """A node and its far ends; a context manager.

    Args:
        interfaces: the node's interfaces beside ``lo`` with their addresses, at least one:
            ``{"eth0": ["192.0.2.10/24"], "docker0": ["172.17.0.1/16"]}``.
        routes: routes beside those of the connected networks.
        sysctls: ``{"net/ipv4/conf/all/route_localnet": "1"}``; forwarding is on and rp_filter off unless told otherwise.

    Raises:
        KernelError: on entering: the machine cannot do it (see :func:`iptc_sim.kernel.requirements`).
    """

    def __init__(
        self,
        interfaces: Mapping[str, Sequence[str]],
        routes: Iterable[Route] = (),
        *,
        sysctls: Mapping[str, str] | None = None,
    ) -> None:
        if not interfaces:
            raise KernelError("a lab needs an interface beside lo")
        self._interfaces = interfaces
        self._routes = tuple(routes)
        self._sysctls = sysctls or {}
        self._open = contextlib.ExitStack()
        self._sources: dict[Variant, TraceSource] = {}
        self._books: dict[Family, RuleBook] = {}
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._node = Namespace()
            stack.callback(self._node.close)
            self._far = Namespace()
            stack.callback(self._far.close)
            topology.build(self._node, self._far, self._interfaces, self._routes, self._sysctls)
            self._far_end = topology.open_far_end(self._far)
            stack.callback(self._far_end.link.close)
            self._local = topology.open_local_sockets(self._node)
            stack.callback(self._local.close)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def load(self, rules: str, family: int = 4, variant: str = "nft") -> None:
        """Load rules, in place of those loaded before for the family; connections are forgotten.

        Args:
            rules: text for iptables-restore, each table with ``*table`` and ``COMMIT``.
            family: 4 or 6.
            variant: ``nft`` or ``legacy``; the one that this Lab began with.

        Raises:
            RulesRefusedError: iptables-restore does not take it.
            KernelError: a tool is missing or hangs, or the tracing does not start.
        """
        which, back_end = Family(family), Variant(variant)
        if any(book.variant is not back_end for book in self._books.values()):
            raise KernelError("a Lab stays with one back end: both at once would walk every packet through both")
        if (loaded := self._books.pop(which, None)) is not None:
            rulebook.clear(self._node, which, loaded)
            self._node.run(["conntrack", "-F"])
        # Kept until the load is through, so that a refused one is cleared by the next.
        self._books[which] = RuleBook(back_end, frozenset())
        self._books[which] = rulebook.load(self._node, rules, which, back_end)
        if back_end not in self._sources:
            make = XtablesMonitor if back_end is Variant.NFT else Nflog
            self._sources[back_end] = self._node_source(make)
        self._wait_for_tracing(which)

    def inject(self, packet: Packet, *, ttl: int = 64, icmp_id: int | None = None) -> KernelTrace:
        """Send one packet and tell what became of it.

        Args:
            packet: it comes in by its ``in_interface``, or is made on the node where that is None. A mark can be given
                to the latter only. Where it has ``raw`` bytes these are sent.
            ttl: time to live, or hop limit.
            icmp_id: id of an ICMP echo.

        Raises:
            KernelError: it cannot be built or sent, or the trace was lost.
        """
        identifier = next(self._numbers) % _IDENTIFIERS + 1
        data = to_bytes(packet, identifier, ttl, icmp_id)
        if packet.in_interface is not None and packet.mark:
            raise KernelError("a packet has no mark on the wire; only one made on the node can be given one")
        errors: list[str | None] = []

        def send() -> None:
            if isinstance(packet.in_interface, str):
                self._far_end.send(packet.in_interface, data)
            elif packet.in_interface is None:
                errors.append(self._local.send(packet, data))
            else:
                raise KernelError("the in interface must be told")

        walks, arrivals = self._observe(send, packet.family)
        mine = identifier_of(data)
        return KernelTrace(
            packet,
            tuple(walk for walk in walks if _is_of(walk, packet, mine)),
            tuple(one for one in arrivals if one.identifier == mine and one.packet.protocol == packet.protocol),
            errors[0] if errors else None,
            self._entry_of(packet),
            tuple(walk for walk in walks if not _is_of(walk, packet, mine)),
            tuple(one for one in arrivals if one.identifier != mine or one.packet.protocol != packet.protocol),
        )

    def answer(self, arrival: Arrival) -> KernelTrace:
        """Send what the far end would answer to a packet that arrived there, by the same interface.

        Raises:
            KernelError: as :meth:`inject`.
        """
        packet = answer_to(arrival.packet, arrival.interface)
        echo = icmp_id_of(arrival.packet.raw) if packet.is_icmp and arrival.packet.raw else None
        return self.inject(packet, icmp_id=echo)

    def watch(self, action: Callable[[], object], family: int = 4) -> KernelTrace:
        """Run ``action`` on the node (real sockets, say) and tell what all packets did meanwhile.

        Raises:
            KernelError: the trace was lost; and whatever ``action`` raises.
        """
        walks, arrivals = self._observe(lambda: self.call(action), Family(family))
        return KernelTrace(None, tuple(walks), tuple(arrivals))

    def call(self, action: Callable[[], T]) -> T:
        """Run ``action`` inside the node's namespace; sockets that it opens stay in there."""
        return self._node.call(action)

    def connections(self, family: int = 4) -> tuple[ConntrackEntry, ...]:
        """Return the conntrack table of the node.

        Raises:
            KernelError: conntrack is missing or fails.
        """
        return read_entries(self._node.run(["conntrack", "-L", "-f", f"ipv{family}"]))

    def _node_source(self, make: Callable[[Namespace], TraceSource]) -> TraceSource:
        source = make(self._node)
        self._open.callback(source.close)
        return source

    def _source(self, family: Family) -> TraceSource:
        if family not in self._books:
            raise KernelError(f"no rules are loaded for IPv{family}")
        return self._sources[self._books[family].variant]

    def _observe(self, action: Callable[[], object], family: Family) -> tuple[list[Walk], list[Arrival]]:
        source = self._source(family)
        source.read(0)
        self._far_end.received()
        events: list[TraceEvent] = []
        with _one_cpu():
            action()
            for _ in range(_PROBES):
                events += self._probe(source, family, _PATIENCE)
            arrivals = self._far_end.received()
        tables = frozenset(table for book in self._books.values() for table in book.tables)
        walks = walks_of(events, self._resolve, tables)
        return [walk for walk in walks if walk.entry.destination != _PROBE_DESTINATION[family]], arrivals

    def _resolve(self, event: TraceEvent) -> Hit | None:
        book = self._books.get(event.family)
        return book.resolve(event) if book else None

    def _wait_for_tracing(self, family: Family) -> None:
        source, end = self._source(family), time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                self._probe(source, family, _START_STEP)
                return
        raise KernelError(f"no trace came within {_PATIENCE:g} s")

    def _probe(self, source: TraceSource, family: Family, patience: float) -> list[TraceEvent]:
        """Send a probe and return all events up to its own."""
        number = next(self._numbers) % _IDENTIFIERS + 1
        address = _PROBE_SOURCE[family] + number
        packet = Packet(address, _PROBE_DESTINATION[family], PROBE_PROTOCOL)
        self._far_end.send(next(iter(self._interfaces)), to_bytes(packet, number))
        events: list[TraceEvent] = []
        end = time.monotonic() + patience
        while (left := end - time.monotonic()) > 0:
            events += (found := source.read(left))
            if any(event.opens is not None and event.opens.source == address for event in found):
                return events
        if patience == _PATIENCE:
            raise KernelError(f"the trace of a packet did not end within {patience:g} s")
        raise TimeoutError

    def _entry_of(self, packet: Packet) -> ConntrackEntry | None:
        own = (packet.protocol, packet.source, packet.sport, packet.destination, packet.dport)
        for entry in self.connections(packet.family):
            tuple_ = entry.original
            if (tuple_.protocol, tuple_.source, tuple_.sport, tuple_.destination, tuple_.dport) == own:
                return entry
        return None


def _is_of(walk: Walk, packet: Packet, identifier: int) -> bool:
    entry = walk.entry
    return (entry.identifier, entry.source.version) == (identifier, packet.family) and "FRAG" not in entry.words


@contextlib.contextmanager
def _one_cpu() -> Iterator[None]:
    """Keep this thread on one CPU, so that the kernel queues its packets in the order in which they are sent."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(allowed)[os.getpid() % len(allowed)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
