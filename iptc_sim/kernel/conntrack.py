"""The conntrack table of a namespace: read it, and empty it.

Source: include/uapi/linux/netfilter/nfnetlink_conntrack.h, nf_conntrack_common.h, nf_conntrack_tcp.h.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Final

from iptc_sim.connection import ICMP_REQUESTS, FlowTuple
from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.netlink import NetfilterSocket, attribute, attributes, nested
from iptc_sim.kernel.report import ConntrackEntry
from iptc_sim.protocols import ICMP, PORT_PROTOCOLS
from iptc_sim.values import Family, Unknown

_GRE: Final = 47
_GET, _DELETE = 1 << 8 | 1, 1 << 8 | 2

_ORIGINAL, _REPLY, _STATUS, _PROTOCOL_INFO, _HELPER, _TIMEOUT, _MARK = 1, 2, 3, 4, 5, 7, 8
_COUNTERS_ORIGINAL, _COUNTERS_REPLY, _ZONE, _LABELS = 9, 10, 18, 22
_TUPLE_IP, _TUPLE_PROTOCOL, _TUPLE_ZONE = 1, 2, 3
_NUMBER, _SPORT, _DPORT, _ICMP_ID, _ICMP_TYPE, _ICMPV6_ID, _ICMPV6_TYPE = 1, 2, 3, 4, 5, 7, 8

_FAMILIES: Final = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}

#: The bits of ``enum ip_conntrack_status``, by their numbers.
_STATUS_BITS: Final = (
    "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SRC_NAT", "DST_NAT", "SEQ_ADJUST", "SRC_NAT_DONE",
    "DST_NAT_DONE", "DYING", "FIXED_TIMEOUT", "TEMPLATE", "UNTRACKED", "HELPER", "OFFLOAD",
)  # fmt: skip
_TCP_STATES: Final = (
    "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
    "SYN_SENT2",
)  # fmt: skip


class ConntrackTable:
    """The table of a namespace, over a socket of its own."""

    def __init__(self, link: NetfilterSocket) -> None:
        self._link = link

    def entries(self, family: Family) -> tuple[ConntrackEntry, ...]:
        """Return all entries of a family.

        Raises:
            KernelError: the kernel refuses it.
        """
        return tuple(_entry(found) for found in self._link.dump(_GET, family=_FAMILIES[family]))

    def find(self, wanted: FlowTuple, message: tuple[int, int] | None, zone: int = 0) -> ConntrackEntry | None:
        """Return the entry that a tuple belongs to, either way; None where there is none.

        Args:
            wanted: the tuple of a packet.
            message: type and code of its ICMP message; None for other protocols.
            zone: of the packet.

        Raises:
            KernelError: the kernel refuses it.
        """
        family = Family(wanted.destination.version) if not isinstance(wanted.destination, Unknown) else Family.IPV4
        body = _asked(wanted, message, family)
        if body is None:
            return None
        if zone:
            body += attribute(_ZONE, zone.to_bytes(2))
        try:
            found = self._link.get(_GET, body, _FAMILIES[family])
        except KernelError:
            # A protocol of which this kernel keeps something else than ports.
            return next((one for one in self.entries(family) if wanted in {one.original, one.reply}), None)
        return None if found is None else _entry(found)

    def forget(self, family: Family) -> None:
        """Remove all entries of a family.

        Raises:
            KernelError: the kernel refuses it.
        """
        self._link.request(_DELETE, family=_FAMILIES[family])


def status_names(bits: int) -> frozenset[str]:
    """Return the names of the status bits that are set."""
    return frozenset(name for number, name in enumerate(_STATUS_BITS) if bits >> number & 1)


def _entry(found: dict[int, bytes]) -> ConntrackEntry:
    status = status_names(int.from_bytes(found.get(_STATUS, b"")))
    original, reply = attributes(found[_ORIGINAL]), attributes(found[_REPLY])
    flags = {"ASSURED"} & status | (set() if "SEEN_REPLY" in status else {"UNREPLIED"})
    tcp = attributes(attributes(found.get(_PROTOCOL_INFO, b"")).get(1, b"")).get(1)
    zones = [int.from_bytes(one.get(_TUPLE_ZONE, found.get(_ZONE, b""))) for one in (original, reply)]
    labels = int.from_bytes(found.get(_LABELS, b""), "little")
    return ConntrackEntry(
        original=_tuple(original),
        reply=_tuple(reply),
        state=_TCP_STATES[tcp[0]] if tcp else "",
        flags=frozenset(flags),
        mark=int.from_bytes(found.get(_MARK, b"")),
        status=status,
        zone=zones[0],
        reply_zone=zones[1],
        helper=attributes(found.get(_HELPER, b"")).get(1, b"").rstrip(b"\0").decode(),
        timeout=int.from_bytes(found.get(_TIMEOUT, b"")),
        labels=frozenset(number for number in range(128) if labels >> number & 1),
        packets=_counted(found, 1),
        size=_counted(found, 2),
    )


def _tuple(found: dict[int, bytes]) -> FlowTuple:
    # Numbers 1 and 2 are IPv4's source and destination, 3 and 4 IPv6's.
    source, destination = (ip_address(value) for _, value in sorted(attributes(found[_TUPLE_IP]).items()))
    values = attributes(found[_TUPLE_PROTOCOL])
    protocol = values[_NUMBER][0]
    sport, dport = (int.from_bytes(values[key]) if key in values else None for key in (_SPORT, _DPORT))
    if protocol in ICMP_REQUESTS:
        number, kind = (
            int.from_bytes(values.get(four, values.get(six, b"")))
            for four, six in ((_ICMP_ID, _ICMPV6_ID), (_ICMP_TYPE, _ICMPV6_TYPE))
        )
        sport, dport = (number, None) if kind in ICMP_REQUESTS[protocol] else (None, number)
    elif protocol not in PORT_PROTOCOLS:
        sport = dport = None  # GRE's keys
    return FlowTuple(protocol, source, sport, destination, dport)


def _asked(wanted: FlowTuple, message: tuple[int, int] | None, family: Family) -> bytes | None:
    """Return the attribute that asks for a tuple; None where the tuple is not whole."""
    if isinstance(wanted.source, Unknown) or isinstance(wanted.destination, Unknown):
        return None
    first = 1 if family is Family.IPV4 else 3
    addresses = attribute(first, wanted.source.packed), attribute(first + 1, wanted.destination.packed)
    values = [attribute(_NUMBER, bytes([wanted.protocol]))]
    if message is not None:
        number = wanted.sport if isinstance(wanted.sport, int) else wanted.dport
        if not isinstance(number, int):
            return None
        which = _ICMP_ID if wanted.protocol == ICMP else _ICMPV6_ID
        values.append(attribute(which, number.to_bytes(2)))
        values += [attribute(which + place, bytes([value])) for place, value in enumerate(message, 1)]
    elif isinstance(wanted.sport, int) and isinstance(wanted.dport, int):
        values += [attribute(_SPORT, wanted.sport.to_bytes(2)), attribute(_DPORT, wanted.dport.to_bytes(2))]
    elif wanted.protocol == _GRE:
        values += [attribute(_SPORT, bytes(2)), attribute(_DPORT, bytes(2))]
    return nested(_ORIGINAL, nested(_TUPLE_IP, *addresses), nested(_TUPLE_PROTOCOL, *values))


def _counted(found: dict[int, bytes], which: int) -> tuple[int, int] | None:
    if _COUNTERS_ORIGINAL not in found:
        return None
    one, other = (
        int.from_bytes(attributes(found.get(key, b"")).get(which, b"")) for key in (_COUNTERS_ORIGINAL, _COUNTERS_REPLY)
    )
    return one, other
