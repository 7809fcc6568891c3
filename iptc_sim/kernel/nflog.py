"""The trace of iptables-legacy: it writes to the netfilter log, read here over netlink.

A message has a prefix such as ``TRACE: nat:OUTPUT:rule:2`` and the packet's bytes. Other than the trace of
iptables-nft it tells neither a rule's text nor its verdict.

Source: include/uapi/linux/netfilter/nfnetlink_log.h, net/netfilter/nf_log.c, net/ipv4/netfilter/ip_tables.c.
"""

from __future__ import annotations

import re
import struct
from typing import Final

from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.events import TraceEvent, logged_key
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.kernel.netlink import NetfilterSocket, attribute
from iptc_sim.kernel.report import Headers
from iptc_sim.moment import Hook
from iptc_sim.values import Family
from iptc_sim.wire.headers import Datagram

_PACKET: Final = 4 << 8  # NFNL_SUBSYS_ULOG, NFULNL_MSG_PACKET
_CONFIG: Final = 4 << 8 | 1
_CFG_CMD, _CFG_MODE, _CFG_QTHRESH = 1, 2, 5
_BIND: Final = struct.pack("!B", 1)
_COPY_PACKETS: Final = struct.pack("!IB", 0xFFFF, 2)
_AT_ONCE: Final = struct.pack("!I", 1)

_HEADER, _MARK, _IN, _OUT, _PAYLOAD, _PREFIX = 1, 2, 4, 5, 9, 10

#: The hooks by their numbers (NF_INET_PRE_ROUTING and on).
_HOOKS: Final = (Hook.PREROUTING, Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING)

_TRACE: Final = re.compile(r"TRACE: (\w+):(\S+):(rule|policy|return):(\d+) ?\0?")


class Nflog:
    """A listener on log group 0 of a namespace, where traces are written to.

    Raises:
        KernelError: this kernel has no nfnetlink_log.
    """

    def __init__(self, namespace: Namespace) -> None:
        namespace.set_sysctls({f"net/netfilter/nf_log/{number}": "nfnetlink_log" for number in (2, 10)})
        self._link = NetfilterSocket(namespace)
        try:
            for kind, value in (
                (_CFG_CMD, _BIND),
                (_CFG_MODE, _COPY_PACKETS + b"\0"),
                (_CFG_QTHRESH, _AT_ONCE),
            ):
                self._link.request(_CONFIG, attribute(kind, value))
        except KernelError:
            self.close()
            raise

    def read(self, timeout: float) -> list[TraceEvent]:
        """Return the events that have come in, after waiting up to ``timeout`` seconds for the first.

        Raises:
            KernelError: messages were lost.
        """
        events = map(self._event, self._link.receive(_PACKET, timeout))
        return [event for event in events if event is not None]

    def close(self) -> None:
        """Close the socket; may be called twice."""
        self._link.close()

    def _event(self, message: dict[int, bytes]) -> TraceEvent | None:
        found = _TRACE.fullmatch(message.get(_PREFIX, b"").decode(errors="replace"))
        datagram = Datagram.of(message.get(_PAYLOAD, b""))
        if found is None or datagram is None:
            return None
        family = Family(datagram.source.version)
        interfaces = [self._link.interface(message.get(which)) for which in (_IN, _OUT)]
        headers = Headers.of(datagram, interfaces[0], interfaces[1], int.from_bytes(message.get(_MARK, b"")))
        hook = _HOOKS[message[_HEADER][2]]
        key = logged_key(family, headers)
        return TraceEvent(key, family, headers, found[1], found[2], found[3], int(found[4]), hook=hook)
