"""``-m owner``: the socket that a packet was sent from, and its file's user and group (xt_owner.c, owner_mt)."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Callable

from iptc_sim.constraint import Asked, Constraint, Free, both, opposite
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear, decide
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import Reading, ValueType, flag, option
from iptc_sim.packet import Owner as Socket
from iptc_sim.protocols import parse_integer
from iptc_sim.records import dataclass
from iptc_sim.values import UNKNOWN, Negatable, NumberRange

#: 2^32 - 1 stands for "nobody" in the kernel and cannot be asked for.
MAXIMUM = 0xFFFFFFFE


@dataclass(frozen=True, slots=True)
class IdRange(NumberRange):
    """User or group numbers."""

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


class IdRangeType(ValueType[IdRange]):
    """``N``, ``N-N``, ``N:N``, or a name that this machine knows; a name cannot be part of a range."""

    def __init__(self, what: str, lookup: Callable[[str], int]) -> None:
        self.what, self.lookup = what, lookup
        self.expected = f"a {what} name, a number from 0 to {MAXIMUM}, or a range A-B of them"

    def read(self, words: tuple[str, ...], context: Reading) -> IdRange:  # noqa: ARG002 - the interface
        """Return the range; names go first, as a user may be called 1000."""
        try:
            number = self.lookup(words[0])
        except (KeyError, ValueError):
            first, dash, last = words[0].replace(":", "-", 1).partition("-")
            low = self._number(first)
            high = self._number(last) if dash else low
            if low > high:  # owner_check refuses it when the rule is loaded
                raise ValueError(f"the range {words[0]} ends before it begins") from None
            return IdRange(low, high)
        return IdRange(number, number)

    def _number(self, text: str) -> int:
        number = parse_integer(text)
        if number is None:
            raise ValueError(f"{text or 'an empty word'} is neither a number nor a {self.what} of this machine")
        if number > MAXIMUM:
            raise ValueError(f"{text} is out of range")
        return number


USERS = IdRangeType("user", lambda name: pwd.getpwnam(name).pw_uid)
GROUPS = IdRangeType("group", lambda name: grp.getgrnam(name).gr_gid)


@extension
class Owner(Match):
    """Only packets made on the node have a socket, so the kernel takes it in OUTPUT and POSTROUTING only."""

    NAME = "owner"
    HOOKS = frozenset({Hook.OUTPUT, Hook.POSTROUTING})

    socket_exists: Negatable[bool] | None = flag("--socket-exists", negatable=True)
    uid: Negatable[IdRange] | None = option(USERS, "--uid-owner", negatable=True)
    gid: Negatable[IdRange] | None = option(GROUPS, "--gid-owner", negatable=True)
    suppl_groups: bool = flag("--suppl-groups")

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Refuse ``--suppl-groups`` in front of the group; the fields stand in the order of the line."""
        order = [name for name in fields if name in {"gid", "suppl_groups"}]
        if fields["suppl_groups"] and order[0] == "suppl_groups":
            raise ValueError("--suppl-groups needs a --gid-owner in front of it")

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse a rule that asks for nothing."""
        if self.socket_exists is None and self.uid is None and self.gid is None:
            raise ValueError("-m owner needs --uid-owner, --gid-owner or --socket-exists")

    def judge(self, at: Moment) -> Outcome:
        """Compare the socket's user and group; a packet that no socket made has none, and fits only ``!``."""
        owner = at.packet.owner
        if owner is UNKNOWN and at.packet.in_interface is not None:
            owner = None
        if owner is UNKNOWN:
            asked = next(declared.field for declared in self.OPTIONS if getattr(self, declared.field) is not None)
            return Unclear(self, f"{self.option_text(asked)}: which process made the packet is not known")
        if owner is None:
            if self.suppl_groups:  # a condition of its own, which cannot be negated
                return No(self, "gid", "the packet comes from no socket")
            return self._without_socket("the packet comes from no socket", ("socket_exists", "uid", "gid"))
        if self.socket_exists is not None and self.socket_exists.negated:
            return No(self, "socket_exists", "the packet comes from a socket")
        if owner.uid is None:
            return self._without_socket("the packet comes from a socket of the kernel", ("uid", "gid"))
        return decide(self.test("uid", owner.uid, "user"), self._group(owner))

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Ask for a socket, and for its user and group: who has no socket has neither."""
        has = Free((self.NAME, "socket"))
        tests: list[Constraint] = [has] if self.suppl_groups else []
        if self.socket_exists is not None:
            tests.append(opposite(has) if self.socket_exists.negated else has)
        for name, wanted in (("uid", self.uid), ("gid", self.gid)):
            if wanted is not None:
                test = both([has, Free((self.NAME, name, str(wanted.value), name == "gid" and self.suppl_groups))])
                tests.append(opposite(test) if wanted.negated else test)
        return both(tests)

    def _without_socket(self, found: str, fields: tuple[str, ...]) -> Outcome:
        for field in fields:
            value: Negatable[object] | None = getattr(self, field)
            if value is not None and not value.negated:
                return No(self, field, found)
        return YES

    def _group(self, owner: Socket) -> No | Unclear | None:
        """With ``--suppl-groups`` any of the process's groups may be the one; of a range, some group must be in it."""
        wanted = self.gid
        if wanted is None or not self.suppl_groups or owner.gid is UNKNOWN:
            return self.test("gid", owner.gid, "group")
        has = any(group in wanted.value for group in {owner.gid, *owner.groups})
        return None if has != wanted.negated else No(self, "gid", f"the groups are {_listed(owner)}")


def _listed(owner: Socket) -> str:
    return ", ".join(map(str, sorted({group for group in (owner.gid, *owner.groups) if isinstance(group, int)})))
