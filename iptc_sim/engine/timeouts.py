"""After how long without a packet the kernel forgets a connection (sysctls ``nf_conntrack_*_timeout*``)."""

from __future__ import annotations

from typing import Final

from iptc_sim.connection import Connection
from iptc_sim.node.sysctls import Sysctls
from iptc_sim.protocols import GRE, ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE

#: Seconds by the kernel's own settings. Of a SYN that meets a SYN there is no sysctl.
_TCP: Final = {
    "SYN_SENT": 120,
    "SYN_SENT2": 120,
    "SYN_RECV": 60,
    "ESTABLISHED": 432000,
    "FIN_WAIT": 120,
    "CLOSE_WAIT": 60,
    "LAST_ACK": 30,
    "TIME_WAIT": 120,
    "CLOSE": 10,
}
_ICMP: Final = {ICMP: "icmp_timeout", ICMPV6: "icmpv6_timeout"}

#: After so many milliseconds a UDP connection that is answered is a stream (``nf_conntrack_udp_packet``).
_STREAM: Final = 2000


def is_stream(entry: Connection, now: int | None) -> bool:
    """Whether a UDP connection has lasted long enough to count as a stream once it is answered.

    Args:
        entry: the connection.
        now: milliseconds since 1970, UTC.
    """
    return now is not None and entry.begun is not None and now - entry.begun > _STREAM


def timeout(entry: Connection, now: int | None, sysctls: Sysctls) -> int | None:
    """Return the seconds without a packet after which an entry is forgotten; None where that cannot be told.

    Args:
        entry: as the packet leaves it.
        now: milliseconds since 1970, UTC.
        sysctls: of the node.
    """
    protocol = entry.original.protocol
    if protocol == TCP:
        return sysctls.timeout(f"tcp_timeout_{entry.tcp.lower()}", _TCP[entry.tcp]) if entry.tcp in _TCP else None
    if protocol == SCTP:  # by the state of its association, which is not followed
        return None
    if protocol == UDP:
        if entry.seen_reply and (entry.begun is None or now is None):
            return None
        stream = entry.seen_reply and is_stream(entry, now)
        return sysctls.timeout("udp_timeout_stream", 120) if stream else sysctls.timeout("udp_timeout", 30)
    if protocol in _ICMP:
        return sysctls.timeout(_ICMP[protocol], 30)
    if protocol == UDPLITE:
        return sysctls.timeout("udp_timeout_stream", 120) if entry.assured else sysctls.timeout("udp_timeout", 30)
    if protocol == GRE:
        return sysctls.timeout("gre_timeout_stream", 180) if entry.assured else sysctls.timeout("gre_timeout", 30)
    return sysctls.timeout("generic_timeout", 600)
