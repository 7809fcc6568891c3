"""A rule's words from kube-proxy's spelling to that of iptables-save."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import IPv6Address
from math import floor
from typing import Final

from iptc_sim.values import Family, Prefix, address_text

_WORD: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')
#: Rules of chains that stand behind the dispatch; both spell them alike.
_ALIKE: Final = re.compile(r'(-m comment --comment "(?=[^"]* )[^"\\]{1,255}" )?-j KUBE-[A-Z0-9-]+')
_PLAIN_COMMENT: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
#: iptables cuts longer ones.
LONGEST_COMMENT: Final = 255

#: Where -s, -d, -i, -o and -p stand in front of the matches.
_PLACES: Final = {
    "-s": 0,
    "--src": 0,
    "--source": 0,
    "-d": 1,
    "--dst": 1,
    "--destination": 1,
    "-i": 2,
    "-o": 3,
    "-p": 4,
}
_SPELLED: Final = ("-s", "-d", "-i", "-o", "-p")

#: What REJECT says without being told.
_REJECT: Final = {Family.IPV4: "icmp-port-unreachable", Family.IPV6: "icmp6-port-unreachable"}

#: The mask of ``-m recent`` that takes an address whole.
OWN_MASK: Final = {Family.IPV4: "255.255.255.255", Family.IPV6: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}


def saved_words(words: str, family: Family) -> str:
    """Return the words of a rule as iptables-save prints them.

    Only what kube-proxy and kubelet write is understood: their rules are known, and reading 100,000 of them with the
    real parser would take seconds.

    Args:
        words: what follows ``-A CHAIN`` in a text for iptables-restore.
        family: of the addresses.
    """
    if _ALIKE.fullmatch(words):
        return words
    front = ["", "", "", "", ""]
    parts: list[str] = []
    recent: list[str] = []
    negated = ""
    found = iter(_WORD.findall(words))
    for word in found:
        if word == "!":
            negated = "! "
            continue
        if (place := _PLACES.get(word)) is not None:
            value = next(found)
            if place < 2:
                value = saved_range(value)
            # An address that fits everything is no condition at all.
            front[place] = f"{negated}{_SPELLED[place]} {value}" if value else ""
        elif word in _VALUES:
            parts.append(f"{negated}{_VALUES[word](next(found))}")
        elif word == "--name":
            recent.append(f"--name {next(found)} --mask {OWN_MASK[family]} --rsource")
        elif word in {"-m", "-j"}:
            parts += recent
            recent = []
            name = next(found)
            parts.append(f"{word} {name}" if name != "REJECT" else f"-j REJECT --reject-with {_REJECT[family]}")
        else:
            parts.append(negated + word)
        negated = ""
    return " ".join([part for part in front if part] + parts)


def saved_range(text: str) -> str:
    """Return an address or range as iptables-save prints it after ``-s`` and ``-d``; empty where it fits everything."""
    if ":" not in text and "/" not in text:
        return f"{text}/32"
    return _saved_prefix(text)


@lru_cache(maxsize=1 << 14)
def _saved_prefix(text: str) -> str:
    prefix = Prefix.parse(text)
    return "" if prefix.mask == 0 else str(prefix)


def saved_endpoint(text: str) -> str:
    """Return ``ADDRESS:PORT`` as iptables-save prints it behind ``--to-destination``."""
    address, _, port = text.rpartition(":")
    if not address.startswith("["):
        return text
    return f"[{address_text(IPv6Address(address[1:-1]))}]:{port}"


def saved_comment(text: str) -> str:
    """Return a comment as iptables-save prints it: in quotes unless it is letters, digits, ``_`` and ``-`` alone."""
    text = text[:LONGEST_COMMENT]
    if _PLAIN_COMMENT.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def saved_chance(text: str) -> str:
    """Return a probability as the kernel keeps it: a part of 2^31, with 11 decimals."""
    return f"{floor(float(text) * 2**31 + 0.5) / 2**31:.11f}"


def _comment(word: str) -> str:
    if '" ' not in word and "\\" not in word and " " in word and len(word) <= LONGEST_COMMENT:
        return f"--comment {word}"
    text = re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
    return f"--comment {saved_comment(text)}"


def _mark(word: str) -> str:
    value, _, mask = word.partition("/")
    shown = f"0x{int(value, 16):x}"
    return f"--mark {shown}/0x{int(mask, 16):x}" if mask else f"--mark {shown}"


def _set_xmark(word: str) -> str:
    value, _, mask = word.partition("/")
    return f"--set-xmark 0x{int(value, 16):x}/0x{int(mask, 16):x}"


_VALUES: Final[Mapping[str, Callable[[str], str]]] = {
    "--comment": _comment,
    "--mark": _mark,
    "--set-xmark": _set_xmark,
    "--or-mark": lambda word: f"--set-xmark 0x{int(word, 16):x}/0x{int(word, 16):x}",
    "--xor-mark": lambda word: f"--set-xmark 0x{int(word, 16):x}/0x0",
    "--to-destination": lambda word: f"--to-destination {saved_endpoint(word)}",
    "--probability": lambda word: f"--probability {saved_chance(word)}",
    "--nfacct-name": lambda word: f"--nfacct-name  {word}",
}
