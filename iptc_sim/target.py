"""What a target is, and what it may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptc_sim.extension import Extension
from iptc_sim.moment import Moment
from iptc_sim.records import dataclass
from iptc_sim.values import AddressRange, PortRange

if TYPE_CHECKING:
    from iptc_sim.tracking import Manip


@dataclass(frozen=True, slots=True)
class Accept:
    """Leave this hook's chain of this table with ACCEPT."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The packet is gone."""


@dataclass(frozen=True, slots=True)
class Reject:
    """The packet is gone and an answer is sent; ``code`` as in ``--reject-with``."""

    code: str


@dataclass(frozen=True, slots=True)
class Return:
    """Back to the calling chain, or to the policy."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on with the next rule; ``note`` says what was done on the side."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class SetMark:
    """The packet's mark becomes ``mark``; go on with the next rule."""

    mark: int


@dataclass(frozen=True, slots=True)
class Jump:
    """Walk another chain and come back."""

    chain: str


@dataclass(frozen=True, slots=True)
class Goto:
    """Walk another chain and come back to the caller of this one."""

    chain: str


@dataclass(frozen=True, slots=True)
class Translate:
    """Rewrite one side of the connection; ends the nat chain with ACCEPT.

    Args:
        manip: which side.
        addresses: to choose from; None: keep the address (a port-only target), or see ``masquerade``/``redirect``.
        ports: to choose from; None: keep the port where that is free.
        masquerade: the source becomes the out interface's address.
        redirect: the destination becomes this node.
        base: first port of the original range for ``a-b/base``.
        random: ``--random`` or ``--random-fully``: the port is drawn.
    """

    manip: Manip
    addresses: AddressRange | None = None
    ports: PortRange | None = None
    masquerade: bool = False
    redirect: bool = False
    base: int | None = None
    random: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """What the target does cannot be told; ``why`` in words. The walk goes on as if it did nothing."""

    why: str


Action = Accept | Drop | Reject | Return | Continue | SetMark | Jump | Goto | Translate | Effect


class Target(Extension):
    """What a rule does with the packets that fit."""

    __slots__ = ()

    SWITCH = "-j"

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Say what happens to the packet."""
        return Effect(f"{self.SWITCH} {self.NAME} is not modelled")

    @classmethod
    def is_modelled(cls) -> bool:
        """Whether it acts; else its effect is not known."""
        return cls.act is not Target.act
