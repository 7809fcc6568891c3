"""``-j CT``: prepare what connection tracking will do with the packet (xt_CT.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked
from iptc_sim.extension import Placement, extension
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import Reading, ValueType, flag, option
from iptc_sim.protocols import TCP, UDP, parse_integer
from iptc_sim.records import dataclass
from iptc_sim.target import Action, Continue, Deed, Prepare, Target
from iptc_sim.value_types.text import Text
from iptc_sim.values import Family, Names

EVENTS = (
    "new", "related", "destroy", "reply", "assured", "protoinfo", "helper", "mark", "natseqinfo", "secmark",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Zone:
    """A conntrack zone; None: the packet's mark is the zone."""

    number: int | None

    def __str__(self) -> str:
        return "mark" if self.number is None else str(self.number)


class ZoneType(ValueType[Zone]):
    """A number or ``mark``."""

    expected = "a zone 0-65535, or mark"

    def read(self, words: tuple[str, ...], context: Reading) -> Zone:  # noqa: ARG002 - the interface
        """Return the zone."""
        if words[0].lower() == "mark":
            return Zone(None)
        number = parse_integer(words[0])
        if number is None or number > 0xFFFF:
            raise ValueError(f"{words[0]} is not a zone")
        return Zone(number)


class EventsType(ValueType[Names]):
    """A comma list of conntrack events, in lower case only."""

    def __init__(self, order: tuple[str, ...]) -> None:
        self.order = order
        self.expected = "a comma list of " + ", ".join(order)

    def read(self, words: tuple[str, ...], context: Reading) -> Names:  # noqa: ARG002 - the interface
        """Return the set of events."""
        names = words[0].split(",")
        for name in names:
            if name not in self.order:
                raise ValueError(f"{name or 'an empty word'} is not an event")
        return Names.of(names, self.order)


_ZONE = ZoneType()

#: The helpers that come with the kernel: their protocols, and whether IPv6 has them too.
HELPERS = {
    "ftp": ({TCP}, True),
    "tftp": ({UDP}, True),
    "irc": ({TCP}, False),
    "sip": ({TCP, UDP}, True),
    "amanda": ({UDP}, True),
    "RAS": ({UDP}, True),
    "Q.931": ({TCP}, True),
    "H.245": ({UDP}, True),
    "netbios-ns": ({UDP}, False),
    "pptp": ({TCP}, False),
    "sane": ({TCP}, True),
    "snmp": ({UDP}, False),
    "snmp_trap": ({UDP}, False),
}


@extension
class CtTarget(Target):
    """In raw only, before conntrack looks at the packet."""

    NAME = "CT"
    TABLES = frozenset({"raw"})
    HOOKS = frozenset({Hook.PREROUTING, Hook.OUTPUT})
    USES_CONNTRACK = True

    notrack: bool = flag("--notrack")
    helper: str = option(Text("the name of a helper", 15, quote=False), "--helper", default="", hidden="")
    timeout: str = option(Text("the name of a timeout policy", 31, quote=False), "--timeout", default="", hidden="")
    ctevents: Names | None = option(EventsType(EVENTS), "--ctevents")
    expevents: Names | None = option(EventsType(("new",)), "--expevents")
    zone_orig: Zone | None = option(_ZONE, "--zone-orig")
    zone_reply: Zone | None = option(_ZONE, "--zone-reply")
    zone: Zone | None = option(_ZONE, "--zone")

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Join several zones: one is stored, the last on the line (the fields stand in that order), but mark stays.

        The directions add up, and both of them are the same as none. Zone 0 is where packets are anyway, and is not
        printed.
        """
        given = [(name, value) for name, value in fields.items() if isinstance(value, Zone)]
        for name, _ in given:
            del fields[name]
        if given:
            sides = {name for name, _ in given} - {"zone"}
            marks = [value for _, value in given if value.number is None]
            zone = (marks or [given[-1][1]])[0]
            if zone != Zone(0):
                fields[sides.pop() if len(sides) == 1 else "zone"] = zone

    def check(self, context: Reading) -> None:
        """Refuse a helper or timeout policy of no protocol: both belong to one (``xt_ct_find_proto``)."""
        if (self.helper or self.timeout) and not self.notrack and context.protocol is None:
            raise ValueError("--helper and --timeout need a protocol, named with -p")

    def refusal(self, place: Placement) -> str:
        """A helper of the kernel works for its own protocols only."""
        known = HELPERS.get(self.helper)
        if (
            known
            and not self.notrack
            and not (place.protocol in known[0] and (known[1] or place.family is Family.IPV4))
        ):
            return f"the kernel has no helper {self.helper} for this protocol and family"
        return Target.refusal(self, place)

    def objects(self) -> tuple[tuple[str, str], ...]:
        """Name the timeout policy, and a helper that does not come with the kernel."""
        if self.notrack:
            return ()
        wanted = [("ct helper", self.helper)] if self.helper and self.helper not in HELPERS else []
        return (*wanted, *([("ct timeout", self.timeout)] if self.timeout else []))

    def uses_conntrack(self) -> bool:
        """Only what prepares an entry switches conntrack on; ``--notrack`` does not."""
        return not self.notrack

    def act(self, at: Moment) -> Action:
        """Prepare the entry; a packet that has one already (it came by lo) stays as it is."""
        if at.connection is not None:
            return Continue("the packet has its conntrack entry already")
        return self._prepared()

    def deed(self, asked: Asked) -> Deed:  # noqa: ARG002 - the interface
        """Prepare the entry of a packet that has none yet."""
        return self._prepared()

    def _prepared(self) -> Prepare:
        if self.notrack:
            return Prepare(untracked=True)
        sides = (self.zone_orig or self.zone, self.zone_reply or self.zone)
        here, there = (_zone_of(side) for side in sides)
        return Prepare(zone=here, reply_zone=there, helper=self.helper)


def _zone_of(zone: Zone | None) -> int | None:
    """Return the number of a zone; None for the mark."""
    return 0 if zone is None else zone.number
