"""A node in throw-away namespaces: rules go in, packets go in, and what the kernel did comes out."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from types import TracebackType
from typing import Final, Self, TypeVar

from iptc_sim.connection import FlowTuple
from iptc_sim.kernel import rules as rulebook
from iptc_sim.kernel import topology, tracing
from iptc_sim.kernel.accounting import make_account
from iptc_sim.kernel.conntrack import ConntrackTable
from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.events import TraceEvent, TraceSource, walks_of
from iptc_sim.kernel.monitor import XtablesMonitor
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.kernel.netlink import NetfilterSocket
from iptc_sim.kernel.nflog import Nflog
from iptc_sim.kernel.nftrace import Nftrace
from iptc_sim.kernel.probes import Probes, is_probe, one_cpu
from iptc_sim.kernel.report import Arrival, ConntrackEntry, Hit, KernelTrace, Walk
from iptc_sim.kernel.rules import RuleBook
from iptc_sim.kernel.sending import answer_to, bytes_to_send
from iptc_sim.kernel.topology import Surroundings
from iptc_sim.node import Route
from iptc_sim.packet import Packet
from iptc_sim.records import replace
from iptc_sim.values import Family, Unknown, Variant
from iptc_sim.wire.headers import Datagram

T = TypeVar("T")

#: IPv4 ids and flow labels go from 1 to this; 0 is what the kernel itself gives to a RST.
_IDENTIFIERS: Final = 0xFFFF
#: How long sets may be held by rules that are gone (seconds).
_PATIENCE: Final = 2.0


class Reader(StrEnum):
    """Who reads nftables' traces."""

    XTABLES_MONITOR = "xtables-monitor"
    NETLINK = "netlink"


_READERS: Final[dict[Reader, type[TraceSource]]] = {
    Reader.XTABLES_MONITOR: XtablesMonitor,
    Reader.NETLINK: Nftrace,
}


class Lab:
    """A node and its far ends; a context manager. One thread only may use it.

    Args:
        interfaces: the node's interfaces with their addresses, at least one beside ``lo``:
            ``{"eth0": ["192.0.2.10/24"], "docker0": ["172.17.0.1/16"]}``; a :class:`Surroundings` tells all at once.
        routes: routes beside those of the connected networks.
        sysctls: such as ``{"net/ipv4/conf/all/route_localnet": "1"}``; forwarding is on and rp_filter is off
            unless told otherwise.
        reader: who reads nftables' traces: ``netlink``, or ``xtables-monitor``, as a second witness (of IPv4 under
            iptables-nft alone: 1.8.9 fails for IPv6, and iptables-legacy's traces come by the netfilter log).
        quiet: the node's own stack says nothing: nobody answers what is delivered, and what the kernel makes of itself
            (RST, ICMP errors) is seen and dropped as it enters OUTPUT.
        texts: whether hits tell the texts of their rules, which takes time to read.

    Raises:
        KernelError: there is no interface; on entering: the machine cannot do it (see ``requirements``).
    """

    def __init__(
        self,
        interfaces: Mapping[str, Sequence[str]] | Surroundings,
        routes: Iterable[Route] = (),
        *,
        sysctls: Mapping[str, str] | None = None,
        reader: str = "xtables-monitor",
        quiet: bool = False,
        texts: bool = True,
    ) -> None:
        if not isinstance(interfaces, Surroundings):
            interfaces = Surroundings(interfaces, tuple(routes), sysctls or {})
        if not interfaces.wires:
            raise KernelError("a lab needs an interface beside lo")
        self.surroundings = interfaces
        self._quiet, self._texts = quiet, texts
        self._open = contextlib.ExitStack()
        self._reader = _READERS[Reader(reader)]
        self._sources: dict[type[TraceSource], TraceSource] = {}
        self._books: dict[Family, RuleBook] = {}
        self._sets = False
        self._marks: dict[Family, int] = {}
        self._accounts: set[str] = set()
        self._identifier = 0

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._node = Namespace()
            stack.callback(self._node.close)
            self._far = Namespace()
            stack.callback(self._far.close)
            topology.build(self._node, self._far, self.surroundings)
            self._node.run(["nft", "-f", "-"], tracing.tables(quiet=self._quiet))
            self._far_end = topology.open_far_end(self._far, self.surroundings)
            stack.callback(self._far_end.link.close)
            self._far_end.introduce()
            self._local = topology.LocalSockets(self._node)
            stack.callback(self._local.close)
            self._link = NetfilterSocket(self._node)
            stack.callback(self._link.close)
            self._conntrack = ConntrackTable(self._link)
            self._probes = Probes(self._far_end, self.surroundings.wires[0], quiet=self._quiet)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def load(self, rules: str, family: int = 4, variant: str = "nft", *, sets: str = "") -> None:
        """Load rules, in place of those loaded before for the family; its connections are forgotten.

        Args:
            rules: text for iptables-restore, each table with ``*table`` and ``COMMIT``.
            family: 4 or 6.
            variant: ``nft`` or ``legacy``; a Lab stays with the one that it began with.
            sets: text for ``ipset restore``, in place of the sets that were there.

        Raises:
            RulesRefusedError: iptables-restore does not take it.
            KernelError: a tool is missing or hangs, or the tracing does not start.
        """
        which, back_end = Family(family), Variant(variant)
        if any(book.variant is not back_end for book in self._books.values()):
            # Every packet would walk through both.
            raise KernelError("a lab stays with the back end that it began with")
        former = self._books.pop(which, None)
        if sets or self._sets:
            # Sets belong to both families, and are held by any rule that names them.
            rulebook.clear(self._node, self._link, which, former)
            for other, book in self._books.items():
                rulebook.clear(self._node, self._link, other, book)
            self._books.clear()
            former = None
            self._replace_sets(sets)
        self._books[which] = rulebook.load(
            self._node, self._link, rules, which, back_end, former=former, texts=self._texts
        )
        self.forget_connections(which)
        for kind in self._source_types(which):
            if kind not in self._sources:
                self._sources[kind] = kind(self._node)
                self._open.callback(self._sources[kind].close)
        self._probes.wait_for_start(self._sources[self._source_types(which)[0]], which)

    def make_accounts(self, names: Iterable[str]) -> None:
        """Make the accounting objects that rules with ``-m nfacct`` name, before they are loaded; without quotas.

        Raises:
            KernelError: this kernel has none.
        """
        for name in set(names) - self._accounts:
            make_account(self._link, name)
            self._accounts.add(name)

    def inject(self, packet: Packet, *, conntrack: bool = True, zones: Sequence[int] = (0,)) -> KernelTrace:
        """Send one packet and tell what became of it.

        Args:
            packet: it comes in by its ``in_interface`` (at its ``physical_in``, where that is a port of the bridge), or
                is made on the node where that is None, by its ``owner``.
            conntrack: whether to look its conntrack entry up.
            zones: the conntrack zones in which to look; the trace's ``entry`` is that of the first.

        Raises:
            KernelError: it cannot be built or sent, or the trace was lost.
        """
        self._identifier = self._identifier % _IDENTIFIERS + 1
        data = bytes_to_send(packet, self._identifier)
        sent = Datagram.of(data)
        if sent is None:
            raise AssertionError("bytes_to_send gives whole packets")
        self._set_incoming_mark(packet)
        errors: list[str | None] = []
        walks, arrivals = self._observe(lambda: errors.append(self._send(packet, data)), packet.family)
        mine = sent.identifier
        return KernelTrace(
            packet=packet,
            walks=tuple(walk for walk in walks if walk.entry.identifier == mine),
            arrivals=tuple(one for one in arrivals if one.identifier == mine),
            error=errors[0],
            entries={zone: self._entry_of(packet, sent, zone) for zone in zones} if conntrack else {},
            other_walks=tuple(walk for walk in walks if walk.entry.identifier != mine),
            other_arrivals=tuple(one for one in arrivals if one.identifier != mine),
        )

    def answer(self, arrival: Arrival) -> KernelTrace:
        """Send what the far end would answer to a packet that arrived there, by the same interface.

        Raises:
            KernelError: as :meth:`inject`.
        """
        return self.inject(answer_to(arrival.packet, arrival.interface))

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

    def run(self, argv: Sequence[str], text: str = "") -> str:
        """Run a command on the node, with ``text`` on its stdin, and return its stdout.

        Raises:
            KernelError: it failed, hung or is not installed.
        """
        return self._node.run(argv, text)

    def connections(self, family: int = 4) -> tuple[ConntrackEntry, ...]:
        """Return the conntrack table of the node.

        Raises:
            KernelError: the kernel refuses it.
        """
        return self._conntrack.entries(Family(family))

    def forget_connections(self, family: int = 4) -> None:
        """Empty the conntrack table of the node, of one family.

        Raises:
            KernelError: the kernel refuses it.
        """
        self._conntrack.forget(Family(family))

    def _send(self, packet: Packet, data: bytes) -> str | None:
        """Send the packet; the name of the errno where the node's own socket gives one."""
        interface = packet.in_interface
        if interface is None:
            return self._local.send(packet, data)
        port = interface if packet.physical_in is None else packet.physical_in
        if isinstance(port, Unknown):
            raise KernelError("the in interface must be told")
        self._far_end.send(port, data, packet.source_mac)
        return None

    def _set_incoming_mark(self, packet: Packet) -> None:
        mark = 0 if packet.in_interface is None else packet.mark
        if self._marks.get(packet.family, 0) != mark:
            self._node.run(["nft", "-f", "-"], tracing.incoming_mark(mark, packet.family))
            self._marks[packet.family] = mark

    def _replace_sets(self, sets: str) -> None:
        if self._sets:
            self._destroy_sets()
        self._sets = bool(sets)
        if sets:
            self._node.run(["ipset", "restore"], sets)

    def _destroy_sets(self) -> None:
        """Destroy all sets, once the rules that hold them are gone, which takes the kernel a moment."""
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self._node.run(["ipset", "restore"], "flush\ndestroy\n")  # a list of sets holds its members
            except KernelError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.005)
            else:
                return

    def _observe(self, action: Callable[[], object], family: Family) -> tuple[list[Walk], list[Arrival]]:
        if family not in self._books:
            raise KernelError(f"no rules are loaded for IPv{family}")
        source, *logs = (self._sources[kind] for kind in self._source_types(family))
        for one in (source, *logs):
            one.read(0)
        self._far_end.received()
        with one_cpu():
            action()
            events = self._probes.events_so_far(source, family)
            logged = [event for log in logs for event in log.read(0)]
            arrivals = self._far_end.received()
        return [walk for walk in walks_of(events, logged, self._resolve, self._keep) if not is_probe(walk)], arrivals

    def _source_types(self, family: Family) -> tuple[type[TraceSource], ...]:
        if self._books[family].variant is Variant.LEGACY:
            return Nftrace, Nflog
        return (Nftrace if family is Family.IPV6 else self._reader,)

    def _keep(self, table: str, family: Family) -> bool:
        book = self._books.get(family)
        return book is not None and table in book.tables

    def _resolve(self, event: TraceEvent) -> Hit | None:
        book = self._books.get(event.family)
        return book.resolve(event) if book else None

    def _entry_of(self, packet: Packet, sent: Datagram, zone: int) -> ConntrackEntry | None:
        if not packet.is_icmp:
            return self._conntrack.find(FlowTuple.of(packet), None, zone)
        if packet.inner is not None:
            return None  # an error has no tuple of its own
        own = FlowTuple.of(replace(packet, icmp_id=sent.icmp_id))
        return self._conntrack.find(own, (packet.icmp_type or 0, packet.icmp_code or 0), zone)
