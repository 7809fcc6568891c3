"""Which tables are walked at which hook, in kernel order, as literal tables (priorities in ``netfilter_ipv4.h``)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from iptc_sim.moment import Hook
from iptc_sim.records import dataclass
from iptc_sim.values import Variant


class Stage(StrEnum):
    """What stands between the tables."""

    CONNTRACK = "conntrack"
    ROUTE_IN = "route in"
    ROUTE_OUT = "route out"
    LEAVE = "leave"
    DELIVER = "deliver"


@dataclass(frozen=True, slots=True)
class Enter:
    """The packet enters a hook."""

    hook: Hook


@dataclass(frozen=True, slots=True)
class Exit:
    """The packet has passed a hook."""

    hook: Hook


@dataclass(frozen=True, slots=True)
class Walk:
    """A table is walked at a hook."""

    hook: Hook
    table: str


Stop = Enter | Exit | Walk | Stage


def _hook(hook: Hook, *tables: str) -> tuple[Stop, ...]:
    return (Enter(hook), *(Walk(hook, table) for table in tables), Exit(hook))


#: A packet that comes in, up to the routing decision.
ARRIVE: Final[tuple[Stop, ...]] = (
    Enter(Hook.PREROUTING),
    Walk(Hook.PREROUTING, "raw"),
    Stage.CONNTRACK,
    Walk(Hook.PREROUTING, "mangle"),
    Walk(Hook.PREROUTING, "nat"),
    Exit(Hook.PREROUTING),
    Stage.ROUTE_IN,
)

#: For this node. nat comes after filter; on lo it is not walked, its entry being settled. iptables-nft 1.8.9 puts
#: security behind nat (its chains have priority 150), iptables-legacy before it (NF_IP_PRI_SECURITY is 50).
INPUT: Final[dict[Variant, tuple[Stop, ...]]] = {
    Variant.NFT: (*_hook(Hook.INPUT, "mangle", "filter", "nat", "security"), Stage.DELIVER),
    Variant.LEGACY: (*_hook(Hook.INPUT, "mangle", "filter", "security", "nat"), Stage.DELIVER),
}

#: For another machine.
FORWARD: Final[tuple[Stop, ...]] = (
    *_hook(Hook.FORWARD, "mangle", "filter", "security"),
    *_hook(Hook.POSTROUTING, "mangle", "nat"),
    Stage.LEAVE,
)

#: Made on this node; routed before the first hook.
OUTPUT: Final[tuple[Stop, ...]] = (
    Stage.ROUTE_OUT,
    Enter(Hook.OUTPUT),
    Walk(Hook.OUTPUT, "raw"),
    Stage.CONNTRACK,
    *(Walk(Hook.OUTPUT, table) for table in ("mangle", "nat", "filter", "security")),
    Exit(Hook.OUTPUT),
    *_hook(Hook.POSTROUTING, "mangle", "nat"),
    Stage.LEAVE,
)
