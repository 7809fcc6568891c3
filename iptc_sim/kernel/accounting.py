"""The accounting objects of a namespace, which ``-m nfacct`` names.

Source: include/uapi/linux/netfilter/nfnetlink_acct.h.
"""

from __future__ import annotations

from typing import Final

from iptc_sim.kernel.netlink import NetfilterSocket, attribute

_NEW: Final = 7 << 8
_NAME: Final = 1


def make_account(link: NetfilterSocket, name: str) -> None:
    """Make an accounting object without a quota.

    Raises:
        KernelError: it is there already, or this kernel has none.
    """
    link.request(_NEW, attribute(_NAME, name.encode() + b"\0"))
