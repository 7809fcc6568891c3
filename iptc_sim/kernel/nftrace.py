"""The trace of iptables-nft, read over netlink from where ``xtables-monitor`` has it too.

xtables-monitor 1.8.9 reads every rule's text with IPv4's extensions: it prints wrong addresses for IPv6's nat
targets and dies of SIGSEGV on some. This reader asks for no texts; they are taken from the listing of the
rules.

Source: include/uapi/linux/netfilter/nf_tables.h (enum nft_trace_attributes), net/netfilter/nf_tables_trace.c.
"""

from __future__ import annotations

from typing import Final

from iptc_sim.kernel.conntrack import status_names
from iptc_sim.kernel.events import TraceEvent
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.kernel.netlink import NetfilterSocket, attributes
from iptc_sim.kernel.report import Headers, Tracked
from iptc_sim.tracking import Direction, State
from iptc_sim.values import Family
from iptc_sim.wire.headers import CHAINED, NO_NEXT, Datagram

_TRACE: Final = 10 << 8 | 17  # NFNL_SUBSYS_NFTABLES, NFT_MSG_TRACE
_GROUP: Final = 9  # NFNLGRP_NFTRACE

_TABLE, _CHAIN, _HANDLE, _TYPE, _VERDICT, _ID = 1, 2, 3, 4, 5, 6
_NETWORK, _TRANSPORT, _IN, _OUT, _MARK, _FAMILY, _POLICY = 8, 9, 10, 12, 14, 15, 16
_CT_DIRECTION, _CT_STATUS, _CT_STATE = 19, 20, 21
_CODE, _TARGET = 1, 2

_KINDS: Final = {1: "policy", 2: "return", 3: "rule"}
_VERDICTS: Final = {
    0: "DROP", 1: "ACCEPT", 2: "STOLEN", 3: "QUEUE", 4: "REPEAT",
    -1: "CONTINUE", -2: "BREAK", -3: "JUMP", -4: "GOTO", -5: "RETURN",
}  # fmt: skip
_FAMILIES: Final = {2: Family.IPV4, 10: Family.IPV6}

#: By the bits of ``enum ip_conntrack_info``, as ``nft`` knows them too.
_STATES: Final = {
    1: State.INVALID, 2: State.ESTABLISHED, 4: State.RELATED, 8: State.NEW, 64: State.UNTRACKED,
}  # fmt: skip
_DIRECTIONS: Final = (Direction.ORIGINAL, Direction.REPLY)


class Nftrace:
    """A listener to a namespace's nftables traces."""

    def __init__(self, namespace: Namespace) -> None:
        self._link = NetfilterSocket(namespace)
        self._link.join(_GROUP)

    def read(self, timeout: float) -> list[TraceEvent]:
        """Return the events that have come in, after waiting up to ``timeout`` seconds for the first.

        Raises:
            KernelError: messages were lost.
        """
        events = map(self._event, self._link.receive(_TRACE, timeout))
        return [event for event in events if event is not None]

    def close(self) -> None:
        """Close the socket; may be called twice."""
        self._link.close()

    def _event(self, message: dict[int, bytes]) -> TraceEvent | None:
        family = _FAMILIES.get(_number(message, _FAMILY))
        if family is None:
            return None
        verdict = attributes(message.get(_VERDICT, b""))
        code = int.from_bytes(message.get(_POLICY) or verdict.get(_CODE, b""), signed=True)
        return TraceEvent(
            key=f"{family} {_number(message, _ID):08x}",
            family=family,
            opens=self._headers(message),
            table=_text(message, _TABLE) or "",
            chain=_text(message, _CHAIN) or "",
            kind=_KINDS.get(_number(message, _TYPE), "return"),
            place=_number(message, _HANDLE),
            verdict=_VERDICTS.get(
                code & 0xFF if code > 0 else code, str(code)
            ),  # a queue's number is in the upper half
            target=_text(verdict, _TARGET),
        )

    def _headers(self, message: dict[int, bytes]) -> Headers | None:
        # The kernel sends a packet's headers with the first event of every base chain.
        network = message.get(_NETWORK, b"")
        if not network:
            return None
        datagram = Datagram.of(_joined(network, message.get(_TRANSPORT, b"")))
        if datagram is None:
            return None
        interfaces = [self._link.interface(message.get(which)) for which in (_IN, _OUT)]
        return Headers.of(datagram, interfaces[0], interfaces[1], _number(message, _MARK), _tracked(message))


def _joined(network: bytes, transport: bytes) -> bytes:
    """Return the two headers as one packet; IPv4's options and IPv6's extensions are not all told, so none is kept."""
    if network[0] >> 4 == Family.IPV4:
        return b"\x45" + network[1:20] + transport
    if network[6] in CHAINED:
        return network[:6] + bytes([NO_NEXT]) + network[7:40]
    return network[:40] + transport


def _tracked(message: dict[int, bytes]) -> Tracked | None:
    state = _STATES.get(_number(message, _CT_STATE))
    if state is None:
        return None
    if state in {State.INVALID, State.UNTRACKED}:
        return Tracked(state)
    return Tracked(state, _DIRECTIONS[_number(message, _CT_DIRECTION)], status_names(_number(message, _CT_STATUS)))


def _number(message: dict[int, bytes], attribute: int) -> int:
    return int.from_bytes(message.get(attribute, b""))


def _text(message: dict[int, bytes], attribute: int) -> str | None:
    value = message.get(attribute)
    return None if value is None else value.rstrip(b"\0").decode(errors="replace")
