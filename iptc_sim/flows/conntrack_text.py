"""What ``conntrack -L`` prints, as connections.

::

    tcp 6 119 SYN_SENT src=192.0.2.1 dst=127.0.0.2 sport=5 dport=8080 [UNREPLIED]
        src=172.17.0.7 dst=192.0.2.1 sport=80 dport=5 mark=0 use=1     (all on one line)
"""

from __future__ import annotations

from ipaddress import ip_address

from iptc_sim.connection import ICMP_REQUESTS, Connection, FlowTuple
from iptc_sim.diagnostics import Diagnostic, InputError, SourceFile, Span
from iptc_sim.tracking import State

#: Words that belong to a direction; all others are said of the connection.
_OF_A_DIRECTION = frozenset(
    {"src", "dst", "sport", "dport", "type", "code", "id", "packets", "bytes", "zone-orig", "zone-reply"}
)


def read_connections(source: SourceFile) -> tuple[Connection, ...]:
    """Read the listing (also of ``-o extended,labels`` and of ``/proc/net/nf_conntrack``).

    Lines that are no entries are passed over.

    Raises:
        InputError: IPT042, an entry is cut off or not understood.
    """
    found = []
    for number, line in enumerate(source.text.split("\n"), 1):
        if " src=" not in line:
            continue
        try:
            found.append(read_connection(line))
        except (ValueError, KeyError, IndexError) as error:
            message, span = "this is not a whole conntrack entry", Span(source, number, 1, len(line.rstrip()))
            expected = "lines as conntrack -L prints them"
            raise InputError(Diagnostic("IPT042", message, span=span, expected=expected)) from error
    return tuple(found)


def read_connection(line: str) -> Connection:
    """Read one line.

    Raises:
        ValueError, KeyError, IndexError: it is not whole.
    """
    words = line.split()
    if words[0] in {"ipv4", "ipv6"}:
        words = words[2:]
    flags = {word.strip("[]") for word in words if word.startswith("[")}
    plain = [word for word in words[1:] if "=" not in word and not word.startswith("[")]
    sides: list[dict[str, str]] = []
    others: dict[str, str] = {}
    for key, _, value in (word.partition("=") for word in words if "=" in word):
        if key == "src":
            sides.append({})
        (sides[-1] if key in _OF_A_DIRECTION and sides else others)[key] = value
    protocol = int(plain[0])
    expires = next((int(word) for word in plain[1:] if word.isdigit()), None)
    zone = int(others.get("zone", "0"))
    return Connection(
        original=_tuple(protocol, sides[0]),
        reply=_tuple(protocol, sides[1]),
        state=State.NEW if "UNREPLIED" in flags else State.ESTABLISHED,
        destination_decided=True,
        source_decided=True,
        mark=int(others.get("mark", "0")),
        zone=int(sides[0].get("zone-orig", zone)),
        reply_zone=int(sides[1].get("zone-reply", zone)),
        helper=others.get("helper", ""),
        confirmed=True,
        seen_reply="UNREPLIED" not in flags,
        assured="ASSURED" in flags,
        packets=(_number(sides[0], "packets"), _number(sides[1], "packets")),
        size=(_number(sides[0], "bytes"), _number(sides[1], "bytes")),
        expires=expires,
        tcp=next((word for word in plain[1:] if word.isupper()), ""),
    )


def _number(side: dict[str, str], key: str) -> int:
    return int(side.get(key, "0"))


def _tuple(protocol: int, side: dict[str, str]) -> FlowTuple:
    """Return a direction; the id of an ICMP echo stands for the port of who asks."""
    sport, dport = (int(side[key]) if key in side else None for key in ("sport", "dport"))
    if "id" in side:
        asks = int(side["type"]) in ICMP_REQUESTS.get(protocol, ())
        sport, dport = (int(side["id"]), None) if asks else (None, int(side["id"]))
    return FlowTuple(protocol, ip_address(side["src"]), sport, ip_address(side["dst"]), dport)
