"""Names of service ports and of the chains that stand for them (kube-proxy: portProtoHash)."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

#: Prefixes of the chains of one Service port or endpoint, over all releases.
SERVICE_CHAIN_PREFIXES: Final = ("KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-", "KUBE-FW-", "KUBE-EXT-", "KUBE-XLB-")

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

#: Base32 two characters at a time; the standard library's is written in Python too, and ten times slower.
_PAIRS: Final = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_SHIFTS: Final = range(70, -1, -10)

_FIXED: Final = {
    "nat": {"KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ", "KUBE-PROXY-CANARY"},
    "filter": {
        "KUBE-SERVICES",
        "KUBE-EXTERNAL-SERVICES",
        "KUBE-FORWARD",
        "KUBE-NODEPORTS",
        "KUBE-PROXY-FIREWALL",
        "KUBE-FIREWALL",
        "KUBE-PROXY-CANARY",
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
    return _hash(port_name + protocol)


def endpoint_chain(port_name: str, protocol: str, endpoint: str) -> str:
    """Return the KUBE-SEP chain of an endpoint ``ADDRESS:PORT`` (IPv6 in brackets)."""
    return "KUBE-SEP-" + _hash(port_name + protocol + endpoint)


def endpoint_text(address: str, port: int) -> str:
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


def _hash(text: str) -> str:
    # 10 bytes are exactly the 16 characters that kube-proxy keeps of the whole digest's base32 form.
    number = int.from_bytes(sha256(text.encode()).digest()[:10])
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])
