"""nftables' own listing, as far as it is needed to tell rules apart: quicker than asking nft.

Source: include/uapi/linux/netfilter/nf_tables.h.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from iptc_sim.kernel.netlink import NetfilterSocket, attribute, request_message
from iptc_sim.values import Family

_SUBSYSTEM: Final = 10
_GET_TABLE, _DELETE_TABLE, _GET_RULE = 10 << 8 | 1, 10 << 8 | 2, 10 << 8 | 7
_TABLE_NAME: Final = 1
_TABLE, _CHAIN, _HANDLE = 1, 2, 3
#: NFPROTO_IPV4 and NFPROTO_IPV6.
_FAMILIES: Final = {Family.IPV4: 2, Family.IPV6: 10}


def rule_numbers(link: NetfilterSocket, family: Family) -> dict[tuple[str, str, int], int]:
    """Return the number in its chain, from 1, of every rule by its table, chain and handle.

    Raises:
        KernelError: the kernel refuses it.
    """
    counted: dict[tuple[str, str], int] = {}
    found: dict[tuple[str, str, int], int] = {}
    for rule in link.dump(_GET_RULE, family=_FAMILIES[family]):
        chain = _text(rule[_TABLE]), _text(rule[_CHAIN])
        counted[chain] = counted.get(chain, 0) + 1
        found[(*chain, int.from_bytes(rule[_HANDLE]))] = counted[chain]
    return found


def table_names(link: NetfilterSocket, family: Family) -> frozenset[str]:
    """Return the names of the tables of a family.

    Raises:
        KernelError: the kernel refuses it.
    """
    return frozenset(_text(found[_TABLE_NAME]) for found in link.dump(_GET_TABLE, family=_FAMILIES[family]))


def delete_tables(link: NetfilterSocket, names: Iterable[str], family: Family) -> None:
    """Take tables away, with all that is in them.

    Raises:
        KernelError: one is not there.
    """
    named = [attribute(_TABLE_NAME, name.encode() + b"\0") for name in sorted(names)]
    if named:
        link.batch(_SUBSYSTEM, (request_message(_DELETE_TABLE, name, _FAMILIES[family]) for name in named))


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")
