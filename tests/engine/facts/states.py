"""kernel-facts.md: ctstate, ctstatus and the tuples that rules see; fragments."""

from __future__ import annotations

import struct
from typing import Final

from iptc_sim.flows import parse_flow
from iptc_sim.steps import Fate
from iptc_sim.wire.packets import checksum, packet_bytes, read_packet
from tests.engine.facts.case import ROUTER, TRACKING, Case, Says, Send, back, send, table, without_nat
from tests.engine.facts.hooks import FORWARDED

_TCP: Final = "tcp 10.0.0.5:33000 -> 198.51.100.7:80 in eth1"
_STATES: Final = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")


def _asks(chain: str, *conditions: str) -> list[str]:
    return [f"-A {chain} -m conntrack {condition}" for condition in conditions]


def _states(chain: str) -> list[str]:
    return _asks(chain, *(f"--ctstate {state}" for state in _STATES))


_OF_FLAGS: Final = tuple(
    Case(
        "ct_states",
        f"{flags} without an entry is {state}{'' if loose else ' where tcp_loose is 0'}",
        table("filter", *_states("FORWARD")),
        (send(f"{_TCP} flags {flags}", Says(hits={"filter/FWD": (_STATES.index(state) + 1,)})),),
        ROUTER if loose else ROUTER.with_sysctls(net__netfilter__nf_conntrack_tcp_loose="0"),
    )
    for flags, state, loose in (
        *((flags, "NEW", True) for flags in ("syn", "ack", "ack,psh")),
        *((flags, "INVALID", True) for flags in ("syn,ack", "rst", "rst,ack", "fin", "fin,ack", "syn,fin", "none", "fin,psh,urg")),
        ("syn", "NEW", False), ("ack", "INVALID", False), ("ack,psh", "INVALID", False),
    )
)  # fmt: skip

_NAT: Final = table(
    "nat",
    "-A PREROUTING -d 192.0.2.20/32 -p tcp -j DNAT --to-destination 10.0.0.7:8080",
    "-A POSTROUTING -d 10.0.0.7/32 -j SNAT --to-source 10.0.0.1",
)
_COMING: Final = "tcp 203.0.113.5:33000 -> 192.0.2.20:80 in eth0"

_SEEN: Final = (
    Case(
        "ct_states",
        "DNAT is seen in FORWARD, SNAT from POSTROUTING on, then in all later packets",
        _NAT
        + table("filter", *_asks("FORWARD", "--ctstate DNAT", "--ctstate SNAT"))
        + table("security", *_asks("FORWARD", "--ctstate DNAT", "--ctstate SNAT")),
        (
            send(_COMING, Says(hits={"filter/FWD": (1,), "security/FWD": (1,)})),
            back(0, Says(hits={"filter/FWD": (1, 2)}, leaves="192.0.2.20:80 > 203.0.113.5:33000 eth0")),
            send(f"{_COMING} flags ack", Says(hits={"filter/FWD": (1, 2)})),
        ),
        ROUTER,
    ),
    Case(
        "ct_states",
        "the tuples in FORWARD",
        _NAT
        + table(
            "filter",
            *_asks(
                "FORWARD",
                "--ctorigsrc 203.0.113.5", "--ctorigdst 192.0.2.20", "--ctreplsrc 10.0.0.7", "--ctrepldst 203.0.113.5",
                "--ctrepldst 10.0.0.1", "--ctorigsrcport 33000", "--ctorigdstport 80", "--ctreplsrcport 8080",
                "--ctrepldstport 33000", "--ctdir ORIGINAL", "--ctdir REPLY",
            ),
        ),
        (
            send(_COMING, Says(hits={"filter/FWD": (1, 2, 3, 4, 6, 7, 8, 9, 10)})),
            back(0, Says(hits={"filter/FWD": (1, 2, 3, 5, 6, 7, 8, 9, 11)})),
        ),
        ROUTER,
    ),
    Case(
        "ct_states",
        "the first packet is neither CONFIRMED nor SEEN_REPLY, and NONE does not fit",
        _NAT
        + table("filter", *_asks("FORWARD", "--ctstatus CONFIRMED", "--ctstatus SEEN_REPLY", "--ctstatus NONE")),
        (
            send(_COMING, Says(hits={"filter/FWD": ()})),
            back(0, Says(hits={"filter/FWD": (1, 2)})),
        ),
        ROUTER,
    ),
)  # fmt: skip

_INVALID: Final = (
    Case(
        "invalid_is_not_translated",
        "it is forwarded without nat unless a rule drops it",
        table("raw") + table("mangle") + table("nat", "-A POSTROUTING -o eth0 -j MASQUERADE") + table("filter"),
        (
            send(f"{_TCP} flags syn,ack", Says(without_nat(FORWARDED), leaves="10.0.0.5:33000 > 198.51.100.7:80 eth0", entry="none")),
            send(f"{_TCP} flags rst", Says(without_nat(FORWARDED), leaves="10.0.0.5:33000 > 198.51.100.7:80 eth0")),
        ),
        ROUTER,
    ),
    Case(
        "invalid_is_not_translated",
        "a lone ACK is NEW and is translated",
        table("nat", "-A POSTROUTING -o eth0 -j MASQUERADE"),
        (send(f"{_TCP} flags ack", Says(leaves="192.0.2.10:33000 > 198.51.100.7:80 eth0")),),
        ROUTER,
    ),
    Case(
        "invalid_is_not_translated",
        "a rule drops it",
        table("nat", "-A POSTROUTING -o eth0 -j MASQUERADE") + table("filter", "-A FORWARD -m conntrack --ctstate INVALID -j DROP"),
        (send(f"{_TCP} flags fin", Says("filter/FWD", fate=Fate.DROP)),),
        ROUTER,
    ),
)  # fmt: skip


def _fragments(identifier: int) -> tuple[bytes, bytes]:
    """Return a UDP packet to port 53 with 24 bytes of payload in two fragments: 16 bytes of it, and the rest."""
    whole = packet_bytes(parse_flow("udp 10.0.0.5:33000 -> 198.51.100.7:53 in eth1").packet, identifier)
    data = whole[20:24] + struct.pack("!HH", 32, 0) + bytes(24)
    parts = []
    for first, behind, more in ((0, 16, 0x2000), (16, 32, 0)):
        head = bytearray(whole[:20])
        head[2:4] = (20 + behind - first).to_bytes(2)
        head[6:8] = (more | first // 8).to_bytes(2)
        head[10:12] = bytes(2)
        head[10:12] = checksum(bytes(head)).to_bytes(2)
        parts.append(bytes(head) + data[first:behind])
    return parts[0], parts[1]


def _fragment(number: int, identifier: int, says: Says) -> Send:
    packet = read_packet(_fragments(identifier)[number], "eth1")
    if packet is None:
        raise AssertionError("it is an IP packet")
    return Send(packet, says)


_RULES: Final = ("-A PREROUTING -p udp -m udp --dport 53", "-A PREROUTING -f", "-A PREROUTING ! -f")

_FRAGMENTS: Final = (
    Case(
        "fragments",
        "without conntrack the first one has ports, and -f fits the rest",
        table("raw", *_RULES),
        (
            _fragment(0, 77, Says(hits={"raw/PRE": (1, 3)})),
            _fragment(1, 77, Says(hits={"raw/PRE": (2,)})),
        ),
        ROUTER,
    ),
    Case(
        "fragments",
        "with conntrack they are put together ahead of raw, and ports are seen",
        table("raw", *_RULES) + table("filter", TRACKING),
        (
            _fragment(0, 77, Says("")),
            _fragment(1, 77, Says(hits={"raw/PRE": (1, 3)})),
        ),
        ROUTER,
    ),
)

CASES: Final = (*_OF_FLAGS, *_SEEN, *_INVALID, *_FRAGMENTS)
