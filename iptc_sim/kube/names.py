"""Names of service ports and of the chains that stand for them (kube-proxy: portProtoHash)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Final

#: Prefixes of the chains of one Service port or endpoint, over all releases.
SERVICE_CHAIN_PREFIXES: Final = ("KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-", "KUBE-FW-", "KUBE-EXT-", "KUBE-XLB-")

ENDPOINT_PREFIX: Final = "KUBE-SEP-"

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

_LETTERS: Final = _ALPHABET.encode() + bytes(256 - len(_ALPHABET))

#: Characters of a hash; as many bytes of its digest are taken into the number.
_WIDTH: Final = 16
_BLOCK: Final = 1024

#: The chains of the userspace proxy (kube-proxy.md, 5).
USERSPACE_CHAINS: Final = {
    "nat": ("KUBE-PORTALS-CONTAINER", "KUBE-PORTALS-HOST", "KUBE-NODEPORT-CONTAINER", "KUBE-NODEPORT-HOST"),
    "filter": ("KUBE-NODEPORT-NON-LOCAL",),
}

_FIXED: Final = {
    "nat": {
        "KUBE-SERVICES",
        "KUBE-NODEPORTS",
        "KUBE-POSTROUTING",
        "KUBE-MARK-MASQ",
        "KUBE-PROXY-CANARY",
        *USERSPACE_CHAINS["nat"],
    },
    "filter": {
        "KUBE-SERVICES",
        "KUBE-EXTERNAL-SERVICES",
        "KUBE-FORWARD",
        "KUBE-NODEPORTS",
        "KUBE-PROXY-FIREWALL",
        "KUBE-FIREWALL",
        "KUBE-PROXY-CANARY",
        *USERSPACE_CHAINS["filter"],
    },
    "mangle": {"KUBE-PROXY-CANARY"},
}


def service_port_name(namespace: str, service: str, port: str, *, always_colon: bool) -> str:
    """Return the name of a service port, ``default/web:http``; without a port name ``default/web``.

    Args:
        namespace: the Service's namespace.
        service: its name.
        port: the port's name, empty for an unnamed one.
        always_colon: kube-proxy up to 1.18 keeps the colon of an unnamed port.
    """
    return f"{namespace}/{service}:{port}" if port or always_colon else f"{namespace}/{service}"


def service_hash(port_name: str, protocol: str) -> str:
    """Return the 16 characters that all chains of a service port share; ``protocol`` is in lower case."""
    return hashes((port_name + protocol,))[0]


def endpoint_chain(port_name: str, protocol: str, endpoint: str) -> str:
    """Return the KUBE-SEP chain of an endpoint ``ADDRESS:PORT`` (IPv6 in brackets)."""
    return ENDPOINT_PREFIX + hashes((port_name + protocol + endpoint,))[0]


def endpoint_text(address: str, port: int | str) -> str:
    """Return ``ADDRESS:PORT``, an IPv6 address in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def kube_chain_prefixes() -> tuple[str, ...]:
    """Return the prefixes of the chains that stand for one Service port or endpoint, over all releases."""
    return SERVICE_CHAIN_PREFIXES


def is_kube_chain(table: str, chain: str) -> bool:
    """Whether kube-proxy of any release owns the chain: writes its rules and flushes what others put there.

    Base chains and kubelet's own chains (KUBE-MARK-DROP, KUBE-KUBELET-CANARY) are not among them;
    KUBE-FIREWALL, which both write, is.
    """
    return chain in _FIXED.get(table, ()) or (table == "nat" and chain.startswith(SERVICE_CHAIN_PREFIXES))


def hashes(texts: Sequence[str]) -> list[str]:
    """Return the 16 characters that stand for each text: its SHA-256 in base32, cut.

    Python has no base32 in C, and a large cluster has 30,000 chains. So the five bits of every character are brought
    into a byte of their own for many texts at once, as one number: 80 bits are parted into twice 40, these into twice
    20, and so on.
    """
    found: list[str] = []
    for start in range(0, len(texts), _BLOCK):
        digests = [sha256(text.encode()).digest()[:_WIDTH] for text in texts[start : start + _BLOCK]]
        size = len(digests) * _WIDTH
        number = int.from_bytes(b"".join(digests)) >> 48 & _low_bits(80, _WIDTH, size)
        for lane, half in ((16, 40), (8, 20), (4, 10), (2, 5)):
            low = _low_bits(half, lane, size)
            number = (number & low) | (number >> half & low) << 4 * lane
        letters = number.to_bytes(size).translate(_LETTERS).decode()
        found += [letters[place : place + _WIDTH] for place in range(0, size, _WIDTH)]
    return found


@lru_cache(maxsize=16)
def _low_bits(count: int, lane: int, size: int) -> int:
    """Return a number of ``size`` bytes with the lowest ``count`` bits of every ``lane`` bytes set."""
    return int.from_bytes(((1 << count) - 1).to_bytes(lane) * (size // lane))
