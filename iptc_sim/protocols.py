"""IP protocol numbers and the names that iptables gives them (Debian's /etc/protocols plus libxtables' own list)."""

from __future__ import annotations

from typing import Final

ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
GRE: Final = 47
ICMPV6: Final = 58
DCCP: Final = 33
AH: Final = 51
NO_NEXT_HEADER: Final = 59
SCTP: Final = 132
UDPLITE: Final = 136

_NAMES: Final[dict[int, str]] = {
    1: "icmp", 2: "igmp", 3: "ggp", 4: "ipencap", 5: "st", 6: "tcp", 8: "egp", 9: "igp", 12: "pup", 17: "udp",
    20: "hmp", 22: "xns-idp", 27: "rdp", 29: "iso-tp4", 33: "dccp", 36: "xtp", 37: "ddp", 38: "idpr-cmtp",
    41: "ipv6", 43: "ipv6-route", 44: "ipv6-frag", 45: "idrp", 46: "rsvp", 47: "gre", 50: "esp", 51: "ah",
    57: "skip", 58: "ipv6-icmp", 59: "ipv6-nonxt", 60: "ipv6-opts", 73: "rspf", 81: "vmtp", 88: "eigrp",
    89: "ospf", 93: "ax.25", 94: "ipip", 97: "etherip", 98: "encap", 103: "pim", 108: "ipcomp", 112: "vrrp",
    115: "l2tp", 124: "isis", 132: "sctp", 133: "fc", 135: "mobility-header", 136: "udplite",
    137: "mpls-in-ip", 138: "manet", 139: "hip", 140: "shim6", 141: "wesp", 142: "rohc", 143: "ethernet",
}  # fmt: skip

_NUMBERS: Final = {name: number for number, name in _NAMES.items()} | {
    "icmpv6": ICMPV6,
    "mh": 135,
    "ipv6-mh": 135,
    "all": 0,
    "ip": 0,
    "hopopt": 0,
}

#: The second names in /etc/protocols; where there is none here it is the first in capitals.
_SECOND: Final = {
    "IP": 0, "HOPOPT": 0, "IP-ENCAP": 4, "IPv6": 41, "IPv6-Route": 43, "IPv6-Frag": 44, "IPSEC-ESP": 50,
    "IPSEC-AH": 51, "IPv6-ICMP": 58, "IPv6-NoNxt": 59, "IPv6-Opts": 60, "OSPFIGP": 89, "Mobility-Header": 135,
    "UDPLite": 136, "MPLS-in-IP": 137, "Shim6": 140, "Ethernet": 143,
}  # fmt: skip
_HAVE_OWN: Final = frozenset(_SECOND.values()) | {138}

_BEFORE_NUMBER: Final = frozenset(" \t\n\v\f\r+")

#: Protocols whose packets carry ports.
PORT_PROTOCOLS: Final = frozenset({TCP, UDP, SCTP, DCCP, UDPLITE})

#: Extension headers of IPv6, and "no next header".
IPV6_EXTENSIONS: Final = frozenset({0, 43, 44, 51, 59, 60})

#: The flags of a TCP header in the order in which iptables prints them.
TCP_FLAGS: Final = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")


def protocol_name(number: int) -> str:
    """Return the name that iptables prints for a protocol number; the number itself where it has none."""
    return _NAMES.get(number, str(number))


def protocol_number(text: str) -> int:
    """Read a protocol: a name in any case, or a number 0-255 (decimal, 0x, or octal with a leading 0).

    Raises:
        ValueError: it is neither.
    """
    number = _NUMBERS.get(text.lower())
    if number is None:
        number = parse_integer(text)
        if number is None or number > 255:
            raise ValueError(f"{text} is not a protocol")
    return number


def listed_protocol_number(text: str) -> int:
    """Read a protocol as /etc/protocols lists it: case counts, and there are second names. Numbers are read too.

    Raises:
        ValueError: it is neither.
    """
    lower = text.lower()
    if text == lower or parse_integer(text) is not None:
        return protocol_number(text)
    number = _SECOND.get(text)
    if number is None and text == text.upper() and protocol_name(_NUMBERS.get(lower, 0)) == lower:
        number = _NUMBERS[lower]
        number = None if number in _HAVE_OWN else number
    if number is None:
        raise ValueError(f"{text} is not a protocol")
    return number


def protocol_names() -> list[str]:
    """Return every accepted name, for suggestions."""
    return sorted(_NUMBERS)


def parse_integer(text: str) -> int | None:
    """Read an unsigned number as strtoul with base 0 does; None where it is none.

    Decimal, 0x, or octal with a leading 0; blanks and ``+`` may stand before it.
    """
    if not text.isascii() or len(text) > 40:
        return None
    if text[:1] in _BEFORE_NUMBER:
        text = text.lstrip(" \t\n\v\f\r").removeprefix("+")
    try:
        if text[:2] in {"0x", "0X"}:
            return int(text, 16) if text[2:].isalnum() else None
        if not text.isdigit():
            return None
        return int(text, 8) if text[0] == "0" and len(text) > 1 else int(text)
    except ValueError:
        return None
