"""``-m realm``: the routing realm of the packet's route (xt_realm.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.protocols import parse_integer
from iptc_sim.records import dataclass
from iptc_sim.values import Family, Negatable

_ALL = 0xFFFFFFFF
#: The one name that iproute2's rt_realms file has as it is installed.
_NAMES = {"cosmos": 0}


@dataclass(frozen=True, slots=True)
class RealmTest:
    """Fits where ``realm & mask == value``."""

    value: int
    mask: int = _ALL

    def __contains__(self, realm: object) -> bool:
        return isinstance(realm, int) and realm & self.mask == self.value

    def __str__(self) -> str:
        if self.mask != _ALL:
            return f"{self.value:#x}/{self.mask:#x}"
        return next((name for name, number in _NAMES.items() if number == self.value), f"{self.value:#x}")


class RealmType(ValueType[RealmTest]):
    """``value[/mask]``, or a name without a mask."""

    expected = "a realm number, number/mask, or cosmos"

    def read(self, words: tuple[str, ...], context: Reading) -> RealmTest:  # noqa: ARG002 - the interface
        """Return the test."""
        if words[0] in _NAMES:
            return RealmTest(_NAMES[words[0]])
        first, slash, second = words[0].partition("/")
        value, mask = parse_integer(first), parse_integer(second) if slash else _ALL
        if value is None or mask is None:
            raise ValueError(f"{words[0]} is not a realm")
        if max(value, mask) > _ALL:
            raise ValueError(f"{words[0]} does not fit in 32 bits")
        return RealmTest(value, mask)


@extension
class Realm(Match):
    """IPv4 only; before routing (PREROUTING) there is no route to ask."""

    NAME = "realm"
    FAMILIES = frozenset({Family.IPV4})
    HOOKS = frozenset({Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING})

    realm: Negatable[RealmTest] = option(RealmType(), "--realm", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare the realm of the route: 0 where no route and no rule of the node has one."""
        node = at.node
        if not node.known:
            return Unclear(self, f"{self.option_text('realm')}: the routes are not known")
        told = (*node.routes, *getattr(node, "rules", ()))
        if any(getattr(item, "realm", 0) for item in told):
            return Unclear(self, f"{self.option_text('realm')}: which route the packet took is not known here")
        return YES if (0 in self.realm.value) != self.realm.negated else No(self, "realm", "the route has no realm")

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Say which realm the route is asked for."""
        return self.free(
            "realm", frozenset({Field.SOURCE, Field.DESTINATION, Field.TOS, Field.MARK, Field.OUT_INTERFACE})
        )
