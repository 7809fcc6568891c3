"""IP protocol numbers and the names that iptables gives them (Debian's /etc/protocols plus libxtables' own list)."""

from __future__ import annotations

from typing import Final

ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
ICMPV6: Final = 58
SCTP: Final = 132

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
    "ip-encap": 4,
    "ipsec-esp": 50,
    "ipsec-ah": 51,
    "ospfigp": 89,
}


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


def protocol_names() -> list[str]:
    """Return every accepted name, for suggestions."""
    return sorted(_NUMBERS)


def parse_integer(text: str) -> int | None:
    """Read an unsigned number as strtoul with base 0 does (decimal, 0x, leading 0 is octal); None where it is none."""
    try:
        if text[:2] in {"0x", "0X"}:
            return int(text, 16) if text[2:].isalnum() else None
        if not (text.isascii() and text.isdigit()) or len(text) > 40:
            return None
        return int(text, 8) if text[0] == "0" and len(text) > 1 else int(text)
    except ValueError:
        return None
