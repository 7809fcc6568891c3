"""A node in throw-away namespaces: rules go in, packets go in, and what the kernel did comes out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from types import TracebackType
from typing import Final, Self, TypeVar

from iptc_sim.connection import FlowTuple
from iptc_sim.kernel import rules as rulebook
from iptc_sim.kernel import topology
from iptc_sim.kernel.conntrack import read_entries
from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.events import TraceEvent, TraceSource, walks_of
from iptc_sim.kernel.monitor import XtablesMonitor
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.kernel.nflog import Nflog
from iptc_sim.kernel.nftrace import Nftrace
from iptc_sim.kernel.probes import Probes, is_probe, one_cpu
from iptc_sim.kernel.report import Arrival, ConntrackEntry, Hit, KernelTrace, Walk
from iptc_sim.kernel.rules import RuleBook
from iptc_sim.kernel.wire import Fields, answer_to, to_bytes
from iptc_sim.node import Route
from iptc_sim.packet import Packet
from iptc_sim.values import Family, Variant

T = TypeVar("T")

#: IPv4 ids and flow labels go from 1 to this; 0 is what the kernel itself gives to a RST.
_IDENTIFIERS: Final = 0xFFFF


class Reader(StrEnum):
    """Who reads iptables-nft's traces."""

    XTABLES_MONITOR = "xtables-monitor"
    NETLINK = "netlink"


_READERS: Final[dict[Reader, type[TraceSource]]] = {
    Reader.XTABLES_MONITOR: XtablesMonitor,
    Reader.NETLINK: Nftrace,
}


class Lab:
    """A node and its far ends; a context manager. One thread only may use it.

    Args:
        interfaces: the node's interfaces beside ``lo`` with their addresses, at least one:
            ``{"eth0": ["192.0.2.10/24"], "docker0": ["172.17.0.1/16"]}``.
        routes: routes beside those of the connected networks.
        sysctls: such as ``{"net/ipv4/conf/all/route_localnet": "1"}``; forwarding is on and rp_filter is off
            unless told otherwise.
        reader: who reads iptables-nft's traces: ``xtables-monitor``, or ``netlink`` (quicker, and always
            taken for IPv6, where xtables-monitor 1.8.9 fails). iptables-legacy's come by the netfilter log.

    Raises:
        KernelError: there is no interface; on entering: the machine cannot do it (see ``requirements``).
    """

    def __init__(
        self,
        interfaces: Mapping[str, Sequence[str]],
        routes: Iterable[Route] = (),
        *,
        sysctls: Mapping[str, str] | None = None,
        reader: str = "xtables-monitor",
    ) -> None:
        if not interfaces:
            raise KernelError("a lab needs an interface beside lo")
        self._interfaces = interfaces
        self._routes = tuple(routes)
        self._sysctls = sysctls or {}
        self._open = contextlib.ExitStack()
        self._reader = _READERS[Reader(reader)]
        self._sources: dict[type[TraceSource], TraceSource] = {}
        self._books: dict[Family, RuleBook] = {}
        self._identifier = 0

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
            self._probes = Probes(self._far_end, next(iter(self._interfaces)))
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def load(self, rules: str, family: int = 4, variant: str = "nft") -> None:
        """Load rules, in place of those loaded before for the family; its connections are forgotten.

        Args:
            rules: text for iptables-restore, each table with ``*table`` and ``COMMIT``.
            family: 4 or 6.
            variant: ``nft`` or ``legacy``; a Lab stays with the one that it began with.

        Raises:
            RulesRefusedError: iptables-restore does not take it.
            KernelError: a tool is missing or hangs, or the tracing does not start.
        """
        which, back_end = Family(family), Variant(variant)
        if any(book.variant is not back_end for book in self._books.values()):
            # Every packet would walk through both.
            raise KernelError("a lab stays with the back end that it began with")
        if (loaded := self._books.pop(which, None)) is not None:
            rulebook.clear(self._node, which, loaded)
            self._node.run(["conntrack", "-F", "-f", f"ipv{family}"])
        # Noted before it is tried, so that what a refused text has left behind is cleared by the next.
        self._books[which] = RuleBook(back_end, rulebook.tables_named(rules))
        self._books[which] = rulebook.load(self._node, rules, which, back_end)
        kind = self._source_type(which)
        if kind not in self._sources:
            self._sources[kind] = kind(self._node)
            self._open.callback(self._sources[kind].close)
        self._probes.wait_for_start(self._sources[kind], which)

    def inject(
        self, packet: Packet, *, ttl: int = 64, icmp_id: int | None = None, conntrack: bool = True
    ) -> KernelTrace:
        """Send one packet and tell what became of it.

        Args:
            packet: it comes in by its ``in_interface``, or is made on the node where that is None. A mark can
                be given to the latter only. Where it has ``raw`` bytes these are sent.
            ttl: time to live, or hop limit.
            icmp_id: id of an ICMP echo.
            conntrack: whether to look its conntrack entry up, which costs more than all the rest.

        Raises:
            KernelError: it cannot be built or sent, or the trace was lost.
        """
        self._identifier = self._identifier % _IDENTIFIERS + 1
        data = to_bytes(packet, self._identifier, ttl, icmp_id)
        sent = Fields.of(data)
        if sent is None:
            raise KernelError("the bytes to send are no whole IP packet")
        errors: list[str | None] = []
        walks, arrivals = self._observe(lambda: errors.append(self._send(packet, data)), packet.family)
        mine = {sent.identifier}
        return KernelTrace(
            packet=packet,
            walks=tuple(walk for walk in walks if walk.entry.identifier in mine),
            arrivals=tuple(one for one in arrivals if one.identifier in mine),
            error=errors[0],
            entry=self._entry_of(packet) if conntrack else None,
            other_walks=tuple(walk for walk in walks if walk.entry.identifier not in mine),
            other_arrivals=tuple(one for one in arrivals if one.identifier not in mine),
        )

    def answer(self, arrival: Arrival) -> KernelTrace:
        """Send what the far end would answer to a packet that arrived there, by the same interface.

        Raises:
            KernelError: as :meth:`inject`.
        """
        packet = answer_to(arrival.packet, arrival.interface)
        fields = Fields.of(arrival.packet.raw or b"")
        return self.inject(packet, icmp_id=fields.icmp_id if fields else None)

    def watch(self, action: Callable[[], object], family: int = 4) -> KernelTrace:
        """Run ``action`` on the node (with real sockets, say) and tell what all packets did meanwhile.

        Raises:
            KernelError: no rules are loaded, or the trace was lost; and whatever ``action`` raises.
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

    def _send(self, packet: Packet, data: bytes) -> str | None:
        """Send the packet; the name of the errno where the node's own socket gives one."""
        interface = packet.in_interface
        if interface is None:
            return self._local.send(packet, data)
        if not isinstance(interface, str):
            raise KernelError("the in interface must be told")
        if packet.mark:
            raise KernelError("a packet has no mark on the wire; only one made on the node can be given one")
        self._far_end.send(interface, data)
        return None

    def _observe(self, action: Callable[[], object], family: Family) -> tuple[list[Walk], list[Arrival]]:
        if family not in self._books:
            raise KernelError(f"no rules are loaded for IPv{family}")
        source = self._sources[self._source_type(family)]
        source.read(0)
        self._far_end.received()
        with one_cpu():
            action()
            events = self._probes.events_so_far(source, family)
            arrivals = self._far_end.received()
        return [walk for walk in walks_of(events, self._resolve, self._keep) if not is_probe(walk)], arrivals

    def _source_type(self, family: Family) -> type[TraceSource]:
        if self._books[family].variant is Variant.LEGACY:
            return Nflog
        return Nftrace if family is Family.IPV6 else self._reader

    def _keep(self, event: TraceEvent) -> bool:
        book = self._books.get(event.family)
        return book is not None and event.table in book.tables

    def _resolve(self, event: TraceEvent) -> Hit | None:
        book = self._books.get(event.family)
        return book.resolve(event) if book else None

    def _entry_of(self, packet: Packet) -> ConntrackEntry | None:
        own = FlowTuple.of(packet)
        entries = self.connections(packet.family)
        return next((entry for entry in entries if own in (entry.original, entry.reply)), None)
