"""What ``conntrack -L`` prints, as data.

::

    tcp 6 119 SYN_SENT src=192.0.2.1 dst=127.0.0.2 sport=5 dport=8080 [UNREPLIED]
        src=172.17.0.7 dst=192.0.2.1 sport=80 dport=5 mark=0 use=1     (all on one line)
"""

from __future__ import annotations

from ipaddress import ip_address

from iptc_sim.connection import FlowTuple
from iptc_sim.kernel.report import ConntrackEntry

_TUPLE_KEYS = frozenset({"src", "dst", "sport", "dport"})


def read_entries(listing: str) -> tuple[ConntrackEntry, ...]:
    """Read the listing; lines that are no entries are passed over.

    ICMP's id, type and code are not kept, as :class:`FlowTuple` doesn't.
    """
    return tuple(_entry(line) for line in listing.splitlines() if " src=" in line)


def _entry(line: str) -> ConntrackEntry:
    words = line.split()
    flags = frozenset(word.strip("[]") for word in words if word.startswith("["))
    state = next((word for word in words[1:] if word.replace("_", "").isalpha() and word.isupper()), "")
    tuples: list[dict[str, str]] = []
    others: dict[str, str] = {}
    for key, _, value in (word.partition("=") for word in words if "=" in word):
        if key == "src":
            tuples.append({})
        (tuples[-1] if key in _TUPLE_KEYS else others)[key] = value
    protocol = int(words[1])
    original, reply = (_tuple(protocol, values) for values in tuples[:2])
    return ConntrackEntry(original, reply, state, flags, int(others.get("mark", "0")))


def _tuple(protocol: int, values: dict[str, str]) -> FlowTuple:
    sport, dport = (int(values[key]) if key in values else None for key in ("sport", "dport"))
    return FlowTuple(protocol, ip_address(values["src"]), sport, ip_address(values["dst"]), dport)
