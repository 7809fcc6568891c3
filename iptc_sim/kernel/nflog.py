"""The trace of iptables-legacy: its TRACE target writes to the netfilter log, read here over netlink.

A message has a prefix such as ``TRACE: nat:OUTPUT:rule:2`` and the packet's bytes. Other than the trace of
iptables-nft it tells neither a rule's text nor its verdict.

Source: include/uapi/linux/netfilter/nfnetlink_log.h, net/netfilter/nf_log.c, net/ipv4/netfilter/ip_tables.c.
"""

from __future__ import annotations

import re
import select
import socket
import struct
from collections.abc import Iterator
from typing import Final

from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.events import TraceEvent
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.kernel.report import Headers
from iptc_sim.kernel.wire import Fields
from iptc_sim.values import Family

_NETLINK_NETFILTER: Final = 12
_MSG_PACKET: Final = 4 << 8  # NFNL_SUBSYS_ULOG, NFULNL_MSG_PACKET
_MSG_CONFIG: Final = 4 << 8 | 1
_REQUEST_ACK: Final = 1 | 4

_CFG_CMD, _CFG_MODE, _CFG_QTHRESH = 1, 2, 5
_HEADER, _MARK, _IN, _OUT, _PAYLOAD, _PREFIX = 1, 2, 4, 5, 9, 10

_TRACE: Final = re.compile(r"TRACE: (\w+):(\S+):(rule|policy|return):(\d+) ?\0?")


class Nflog:
    """A listener on log group 0 of a namespace, where TRACE writes to.

    Raises:
        KernelError: this kernel has no nfnetlink_log.
    """

    def __init__(self, namespace: Namespace) -> None:
        namespace.set_sysctls(
            {"net/netfilter/nf_log/2": "nfnetlink_log", "net/netfilter/nf_log/10": "nfnetlink_log"}
        )
        self._names = namespace.call(lambda: dict(socket.if_nameindex()))
        self._socket = namespace.call(
            lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        )
        #: table and hook of the base chain that each packet is in.
        self._places: dict[str, tuple[str, int]] = {}
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            self._socket.bind((0, 0))
            self._configure(_CFG_CMD, struct.pack("!Bxxx", 1))
            self._configure(_CFG_MODE, struct.pack("!IBxxx", 0xFFFF, 2)[:6])
            self._configure(_CFG_QTHRESH, struct.pack("!I", 1))  # send every message at once
        except (OSError, KernelError):
            self.close()
            raise

    def read(self, timeout: float) -> list[TraceEvent]:
        """Return the events that have come in, after waiting up to ``timeout`` seconds for the first.

        Raises:
            KernelError: messages were lost.
        """
        events: list[TraceEvent] = []
        while select.select([self._socket], [], [], 0 if events else timeout)[0]:
            try:
                data = self._socket.recv(1 << 16)
            except OSError as error:
                raise KernelError(f"the trace was lost: {error.strerror}") from error
            events += [
                event
                for kind, body in _messages(data)
                if kind == _MSG_PACKET and (event := self._event(body))
            ]
        return events

    def close(self) -> None:
        """Close the socket; may be called twice."""
        self._socket.close()

    def _configure(self, attribute: int, value: bytes) -> None:
        body = struct.pack("!BBH", socket.AF_UNSPEC, 0, 0) + struct.pack("=HH", 4 + len(value), attribute)
        body += value.ljust(-(-len(value) // 4) * 4, b"\0")
        self._socket.send(struct.pack("=IHHII", 16 + len(body), _MSG_CONFIG, _REQUEST_ACK, 1, 0) + body)
        for kind, answer in _messages(self._socket.recv(1 << 16)):
            code = struct.unpack_from("=i", answer)[0] if kind == 2 else 0
            if code:
                raise KernelError(f"the netfilter log cannot be read: errno {-code}")

    def _event(self, body: bytes) -> TraceEvent | None:
        attributes = dict(_attributes(body[4:]))
        found = _TRACE.fullmatch(attributes.get(_PREFIX, b"").decode(errors="replace"))
        data = attributes.get(_PAYLOAD, b"")
        fields = Fields.of(data)
        if found is None or fields is None:
            return None
        family = Family(fields.source.version)
        key = f"{family} {fields.protocol} {fields.identifier}"
        place = found[1], attributes[_HEADER][2]
        begins = place[0] == "raw" and found[3] == "rule" and found[4] == "1"
        headers = None
        if begins or self._places.get(key) != place:
            self._places[key] = place
            sport, dport = fields.ports or (None, None)
            headers = Headers(
                in_interface=self._name(attributes.get(_IN)),
                out_interface=self._name(attributes.get(_OUT)),
                source=fields.source,
                destination=fields.destination,
                sport=sport,
                dport=dport,
                mark=int.from_bytes(attributes.get(_MARK, b"")),
                ttl=fields.ttl,
                identifier=fields.identifier,
                words=fields.flags,
            )
        return TraceEvent(key, family, headers, found[1], found[2], found[3], int(found[4]))

    def _name(self, index: bytes | None) -> str | None:
        return self._names.get(int.from_bytes(index)) if index else None


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        if length < 16:
            return
        yield kind, data[16:length]
        data = data[-(-length // 4) * 4 :]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            return
        yield kind & 0x7FFF, data[4:length]
        data = data[-(-length // 4) * 4 :]
