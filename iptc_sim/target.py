"""What a target is, and what it may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptc_sim.constraint import Asked, Field
from iptc_sim.extension import Extension
from iptc_sim.moment import Hook, Moment
from iptc_sim.records import dataclass, field
from iptc_sim.values import Address, AddressRange, PortRange, Prefix

if TYPE_CHECKING:
    from collections.abc import Hashable

    from iptc_sim.connection import Connection
    from iptc_sim.memory import Memory
    from iptc_sim.packet import Packet
    from iptc_sim.tracking import Manip


@dataclass(frozen=True, slots=True)
class Accept:
    """Leave this hook's chain of this table with ACCEPT.

    Args:
        queued: by the way of a queue on which nobody listens: in nat nothing is decided about the connection then.
    """

    queued: bool = False


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
    """Go on with the next rule.

    Args:
        note: what was done on the side.
        taken: what the target changes cannot be told; what is taken for granted in place of it, in words.
    """

    note: str = ""
    taken: str = ""


def unchanged(name: str, why: str) -> Continue:
    """Return that a target of this name goes on, and that its change is not followed, for the reason told."""
    return Continue(f"what it changes is not known: {why}", f"{why}: -j {name} is taken to change nothing")


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
        persistent: one client gets one address of the range, whatever it talks to.
        network: the address keeps its host part and moves into this network (NETMAP).
    """

    manip: Manip
    addresses: AddressRange | None = None
    ports: PortRange | None = None
    masquerade: bool = False
    redirect: bool = False
    base: int | None = None
    random: bool = False
    persistent: bool = False
    network: Prefix | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What the target does cannot be told; ``why`` in words. It may take the packet away, or go on."""

    why: str


@dataclass(frozen=True, slots=True)
class Alter:
    """Something is changed on the side; go on with the next rule.

    Args:
        note: what, in words.
        packet: as it is from here on; None where it stays.
        connection: likewise.
        memory: likewise.
    """

    note: str = ""
    packet: Packet | None = None
    connection: Connection | None = None
    memory: Memory | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Prepare:
    """Tell connection tracking, which comes next, what to do with the packet; go on with the next rule.

    Args:
        untracked: leave it alone.
        zone: of its original direction; ``reply_zone`` of the other one; None: the mark that it has behind raw.
        helper: that is to watch the connection.
    """

    untracked: bool = False
    zone: int | None = 0
    reply_zone: int | None = 0
    helper: str = ""


@dataclass(frozen=True, slots=True)
class Steal:
    """The packet is out of the kernel's hands; ``why`` in words: who has it, and what may become of it."""

    why: str


@dataclass(frozen=True, slots=True)
class Intercept:
    """A local socket gets the packet without its headers being changed (TPROXY); ends the table with ACCEPT.

    Args:
        address: that the proxy listens on; None: the in interface's.
        port: likewise; None: the packet's destination port.
        mark: the packet's from here on.
    """

    address: Address | None
    port: int | None
    mark: int


@dataclass(frozen=True, slots=True)
class Either:
    """What cannot be told: each way with what it depends on, in words."""

    ways: tuple[tuple[str, Action], ...]


Action = (
    Accept
    | Drop
    | Reject
    | Return
    | Continue
    | SetMark
    | Jump
    | Goto
    | Translate
    | Effect
    | Alter
    | Prepare
    | Steal
    | Intercept
    | Either
)


@dataclass(frozen=True, slots=True)
class EditMark:
    """A mark becomes ``(old & keep) ^ xor``; go on with the next rule.

    A packet without a conntrack entry has no CTMARK; nothing happens then.

    Args:
        field: MARK or CTMARK.
        keep: the bits that stay.
        xor: the bits that are turned over afterwards.
    """

    field: Field
    keep: int
    xor: int


@dataclass(frozen=True, slots=True)
class CopyMark:
    """A mark becomes ``(to & keep) ^ shifted(of & take)``, cut to 32 bits; go on with the next rule.

    Nothing happens to a packet without a conntrack entry.

    Args:
        to: the mark that is written: MARK or CTMARK.
        of: the mark that is read.
        keep: the bits of the first one that stay.
        take: the bits of the other one that are taken.
        left: by how many places they are shifted to the left.
        right: likewise to the right.
    """

    to: Field
    of: Field
    keep: int
    take: int
    left: int = 0
    right: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """The packet is changed in another way; go on with the next rule.

    Args:
        text: what becomes of it, in words; part of how packets leave the node.
        fields: what no longer has its old value: the new one hangs on ``key`` and the packet.
        key: what is done; equal keys make equal packets of equal ones.
    """

    text: str
    fields: frozenset[Field]
    key: Hashable


@dataclass(frozen=True, slots=True)
class Proxy:
    """A local socket gets the packet, see :class:`Intercept`; its mark becomes ``(old & keep) ^ xor``.

    Args:
        address: that the proxy listens on; None: the in interface's.
        port: likewise; None: the packet's destination port.
        keep: the bits of the mark that stay.
        xor: the bits that are turned over afterwards.
    """

    address: Address | None
    port: int | None
    keep: int
    xor: int


#: What may be done to all packets alike: no value of one of them is in it.
Same = Accept | Drop | Reject | Return | Continue | Jump | Goto | Translate | Effect | Prepare | Steal

#: What a target does, said of all packets at once.
Deed = Same | EditMark | CopyMark | Change | Proxy


class Target(Extension):
    """What a rule does with the packets that fit."""

    __slots__ = ()

    SWITCH = "-j"

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Say what happens to the packet."""
        return Effect(f"{self.SWITCH} {self.NAME} is not modelled")

    def deed(self, asked: Asked) -> Deed:  # noqa: ARG002 - the interface
        """Return what it does with every packet, where the rule stands that it belongs to."""
        return Effect(f"{self.SWITCH} {self.NAME} is not modelled")

    @classmethod
    def is_modelled(cls) -> bool:
        """Whether it acts; else its effect is not known."""
        return cls.act is not Target.act


class UniformTarget(Target):
    """A target that does the same to every packet, wherever it may stand or by the hook alone."""

    __slots__ = ()

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Say what happens at a hook."""
        return Effect(f"{self.SWITCH} {self.NAME} is not modelled")

    def act(self, at: Moment) -> Action:
        """Do it to the packet."""
        return self.same(at.hook)

    def deed(self, asked: Asked) -> Deed:
        """Say that it is done to all of them."""
        return self.same(asked.hook)
