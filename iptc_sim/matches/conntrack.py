"""``-m conntrack``: what connection tracking knows of the packet's flow (xt_conntrack.c)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from iptc_sim.constraint import ALWAYS, NEVER, Asked, Constraint, Field, Free, both, one_of, opposite, within
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear, decide
from iptc_sim.matches._asked import ENDS, number_in, state_in, tracked
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.protocols import ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE, listed_protocol_number, parse_integer
from iptc_sim.remembered.own_state import is_told
from iptc_sim.tracking import State
from iptc_sim.value_types.choice import Choice
from iptc_sim.value_types.host import HOST_NETWORK, HostNetwork
from iptc_sim.value_types.port import PortRangeType, read_service
from iptc_sim.value_types.short_names import ShortNameList
from iptc_sim.values import UNKNOWN, Names, Negatable, NumberRange, PortRange, Prefix, Unknown

if TYPE_CHECKING:
    from iptc_sim.connection import Connection

STATES = ("INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED", "SNAT", "DNAT")
#: Of ICMP; its answer is 0, every other message is answered by the next number.
_ECHO_REQUEST = 8
_TRANSLATED = {"SNAT": Field.SNATTED, "DNAT": Field.DNATTED}
#: The protocols in whose tuples there are ports (``FlowTuple.of``), and those with an id in their place.
_WITH_PORTS, _MESSAGES = (TCP, UDP, SCTP, UDPLITE), (ICMP, ICMPV6)
STATUSES = ("NONE", "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED")
PORTS = PortRangeType(ordered=False, vanishes=False, number=read_service)


class ProtocolNumber(ValueType[int]):
    """A protocol by name or number; printed as a number."""

    expected = "a protocol name or number"

    def read(self, words: tuple[str, ...], context: Reading) -> int:  # noqa: ARG002 - the interface
        """Return the number."""
        return listed_protocol_number(words[0])


class SecondsType(ValueType[NumberRange]):
    """``N`` or ``N:N``."""

    expected = "seconds, or a range A:B of them"

    def read(self, words: tuple[str, ...], context: Reading) -> NumberRange:  # noqa: ARG002 - the interface
        """Return the range."""
        first, separator, last = words[0].partition(":")
        low = parse_integer(first) if first else 0
        high = low if not separator else (parse_integer(last) if last else 0xFFFFFFFF)
        if low is None or high is None or max(low, high) > 0xFFFFFFFF:
            raise ValueError(f"{words[0]} is not a range of seconds")
        return NumberRange(low, high)


class StatusList(ShortNameList):
    """Statuses; NONE is no bit, so beside others it says nothing."""

    def read(self, words: tuple[str, ...], context: Reading) -> Names:
        """Return the set of statuses."""
        found = super().read(words, context)
        return Names(tuple(name for name in found.names if name != "NONE") or found.names)


class Direction(Choice):
    """A direction in any case."""

    def read(self, words: tuple[str, ...], context: Reading) -> str:
        """Return it in upper case."""
        return super().read((words[0].upper(),), context)


@extension
class Conntrack(Match):
    """States and tuples of the connection; a rule with it switches conntrack on."""

    NAME = "conntrack"
    USES_CONNTRACK = True

    ctstate: Negatable[Names] | None = option(ShortNameList(STATES), "--ctstate", negatable=True)
    ctproto: Negatable[int] | None = option(ProtocolNumber(), "--ctproto", negatable=True)
    ctorigsrc: Negatable[HostNetwork] | None = option(HOST_NETWORK, "--ctorigsrc", negatable=True)
    ctorigdst: Negatable[HostNetwork] | None = option(HOST_NETWORK, "--ctorigdst", negatable=True)
    ctreplsrc: Negatable[HostNetwork] | None = option(HOST_NETWORK, "--ctreplsrc", negatable=True)
    ctrepldst: Negatable[HostNetwork] | None = option(HOST_NETWORK, "--ctrepldst", negatable=True)
    ctorigsrcport: Negatable[PortRange] | None = option(PORTS, "--ctorigsrcport", negatable=True)
    ctorigdstport: Negatable[PortRange] | None = option(PORTS, "--ctorigdstport", negatable=True)
    ctreplsrcport: Negatable[PortRange] | None = option(PORTS, "--ctreplsrcport", negatable=True)
    ctrepldstport: Negatable[PortRange] | None = option(PORTS, "--ctrepldstport", negatable=True)
    ctstatus: Negatable[Names] | None = option(StatusList(STATUSES), "--ctstatus", negatable=True)
    ctexpire: Negatable[NumberRange] | None = option(SecondsType(), "--ctexpire", negatable=True)
    ctdir: str | None = option(Direction(("ORIGINAL", "REPLY")), "--ctdir")

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse a rule that asks for nothing."""
        if all(getattr(self, declared.field) is None for declared in self.OPTIONS):
            raise ValueError("-m conntrack needs at least one option")

    def judge(self, at: Moment) -> Outcome:
        """Compare the entry (``conntrack_mt``).

        A packet without one is INVALID or UNTRACKED; it fits where its state does, whatever else is asked, and never
        where no state is asked. Before conntrack has seen the packet (raw) it counts as INVALID.
        """
        state = self._state(at)
        if state is not None:
            return state
        entry = at.connection
        if entry is None or not entry.is_tracked:
            asked = next(declared.field for declared in self.OPTIONS if getattr(self, declared.field) is not None)
            return No(self, asked, "the packet has no conntrack entry") if self.ctstate is None else YES
        original, reply = entry.original, entry.reply
        return decide(
            self._protocol(original.protocol),
            self.test("ctorigsrc", original.source, "original source"),
            self.test("ctorigdst", original.destination, "original destination"),
            self.test("ctreplsrc", reply.source, "reply source"),
            self.test("ctrepldst", reply.destination, "reply destination"),
            *self._ports(at, entry),
            self._status(at),
            self._expiry(at, entry),
            self._direction(at),
        )

    def constraint(self, asked: Asked) -> Constraint:
        """Return the tests of the state and, for packets with an entry, of all the rest."""
        if self.ctstate is None:
            return both([tracked(asked), self._of_entry(asked)])
        names = self.ctstate.value.names
        fits = [state_in(asked, names)]
        fits += [both([tracked(asked), _is(field, 1)]) for name, field in _TRANSLATED.items() if name in names]
        state = one_of(fits)
        state = opposite(state) if self.ctstate.negated else state
        return both([state, one_of([opposite(tracked(asked)), self._of_entry(asked)])])

    def _of_entry(self, asked: Asked) -> Constraint:
        if asked.table == "raw" and asked.before_conntrack == "NEW":
            return Free(self.question(asked))  # there is nothing in the entry yet
        proto = self.ctproto
        return both(
            [
                ALWAYS if proto is None else _is(Field.ORIGINAL_PROTOCOL, proto.value, negated=proto.negated),
                _address(Field.ORIGINAL_SOURCE, self.ctorigsrc),
                _address(Field.ORIGINAL_DESTINATION, self.ctorigdst),
                self._replied("ctreplsrc", Field.DNATTED, _address(Field.ORIGINAL_DESTINATION, self.ctreplsrc)),
                self._replied("ctrepldst", Field.SNATTED, _address(Field.ORIGINAL_SOURCE, self.ctrepldst)),
                self._port("ctorigsrcport", Field.ORIGINAL_SPORT),
                self._port("ctorigdstport", Field.ORIGINAL_DPORT),
                self._port("ctreplsrcport", Field.ORIGINAL_DPORT, Field.DNATTED),
                self._port("ctrepldstport", Field.ORIGINAL_SPORT, Field.SNATTED),
                self._statuses(asked),
                self.free("ctexpire", reads=None),
                ALWAYS if self.ctdir is None else _is(Field.DIRECTION, int(self.ctdir == "REPLY")),
            ]
        )

    def _replied(self, name: str, translated: Field, same: Constraint) -> Constraint:
        """Return the test of the reply tuple, which is that of the original one where nothing is translated."""
        if getattr(self, name) is None:
            return ALWAYS
        other = self.free(name, ENDS | {Field.SNATTED, Field.DNATTED})
        return one_of([both([_is(translated, 0), same]), both([_is(translated, 1), other])])

    def _port(self, name: str, field: Field, translated: Field | None = None) -> Constraint:
        """Return what :meth:`_ports` tests; of ICMP it is the id or the message."""
        wanted: Negatable[PortRange] | None = getattr(self, name)
        if wanted is None:
            return ALWAYS
        same = number_in(field, wanted)
        zero = ALWAYS if (0 in wanted.value) != wanted.negated else NEVER
        protocols = [within(Field.ORIGINAL_PROTOCOL, [(one, one) for one in kind]) for kind in (_WITH_PORTS, _MESSAGES)]
        reads = frozenset() if translated is None else ENDS | {Field.SNATTED, Field.DNATTED}
        return one_of(
            [
                both([protocols[0], same if translated is None else self._replied(name, translated, same)]),
                both([protocols[1], self.free(name, reads)]),
                both([*map(opposite, protocols), zero]),
            ]
        )

    def _statuses(self, asked: Asked) -> Constraint:
        """Return the test of the bits, each free; an entry is confirmed behind the last hook of its first packet."""
        if self.ctstatus is None:
            return ALWAYS
        bits = [name for name in self.ctstatus.value.names if name != "NONE"]
        fits = one_of(
            Free((self.NAME, "--ctstatus", name, *([asked.hook] if name == "CONFIRMED" else []))) for name in bits
        )
        return opposite(fits) if self.ctstatus.negated else fits

    def _state(self, at: Moment) -> No | Unclear | None:
        if self.ctstate is None:
            return None
        entry = at.connection
        have = {str(entry.state if entry else State.INVALID)}
        if entry and entry.is_tracked:
            # Translation shows from the hook on that decided it (nf_nat sets the status bits there).
            have |= {"DNAT"} if entry.is_dnat else set()
            have |= {"SNAT"} if entry.is_snat else set()
        if bool(have & set(self.ctstate.value.names)) != self.ctstate.negated:
            return None
        shown = next(iter(have)) if len(have) == 1 else ",".join(name for name in STATES if name in have)
        return No(self, "ctstate", f"the state is {shown}")

    def _ports(self, at: Moment, entry: Connection) -> Iterator[No | Unclear | None]:
        """Compare what stands for the ports of both tuples: of ICMP id and message, else 0 where it has none.

        The id is on the side of the source whichever way the tuple goes; on the other one are type and code, as one
        number (echo-request is 2048, its answer 0).
        """
        names = ("ctorigsrcport", "ctorigdstport", "ctreplsrcport", "ctrepldstport")
        if all(getattr(self, name) is None for name in names):
            return
        sides = (entry.original, entry.reply)
        found = [0 if port is None else port for side in sides for port in (side.sport, side.dport)]
        if entry.original.protocol in {ICMP, ICMPV6}:
            asks, answers = _messages(at)
            ids = [side.sport if side.dport is None else side.dport for side in sides]
            known = [UNKNOWN if number is None else number for number in ids]
            found = [known[0], asks, known[1], answers]
        for name, port in zip(names, found, strict=True):
            side, end = ("original" if "orig" in name else "reply"), ("source" if "src" in name else "destination")
            yield self.test(name, port, f"{side} {end} port")

    def _protocol(self, actual: int) -> No | None:
        if self.ctproto is None or (self.ctproto.value == actual) != self.ctproto.negated:
            return None
        return No(self, "ctproto", f"the protocol is {actual}")

    def _status(self, at: Moment) -> No | Unclear | None:
        """Nothing but the bits that are asked counts, and NONE is no bit: it never fits, and ``! NONE`` always does."""
        entry = at.connection
        if self.ctstatus is None or entry is None:
            return None
        asked = set(self.ctstatus.value.names)
        bits = {
            "EXPECTED": entry.expected,
            "SEEN_REPLY": entry.seen_reply,
            "ASSURED": entry.assured,
            "CONFIRMED": entry.confirmed,
        }
        have = {name for name, is_set in bits.items() if is_set}
        if not is_told(entry):
            have = {"SEEN_REPLY", "CONFIRMED"}
            if not asked <= (have | {"NONE", "EXPECTED"}):
                return Unclear(self, f"{self.option_text('ctstatus')}: whether the entry is ASSURED is not known")
        if bool(have & asked) != self.ctstatus.negated:
            return None
        return No(self, "ctstatus", f"the status is {','.join(sorted(have)) or 'not confirmed'}")

    def _expiry(self, at: Moment, entry: Connection) -> No | Unclear | None:
        """Compare the whole seconds that are left; a jiffy after the packet it is one less (``nf_ct_expires``).

        The entry of a first packet has no end yet: what is compared then is a number that depends on the uptime.
        """
        if self.ctexpire is None:
            return None
        if entry.expires is None or entry.seen is None or at.now is None or not entry.confirmed:
            return Unclear(self, f"{self.option_text('ctexpire')}: the timeout of the entry is not known")
        left = max(entry.expires * 1000 - (int(at.now * 1000) - entry.seen), 0)
        tests = [self.test("ctexpire", second, "timeout") for second in {left // 1000, max(left - 1, 0) // 1000}]
        if len({one is None for one in tests}) > 1:
            return Unclear(self, f"{self.option_text('ctexpire')}: {left / 1000:g} seconds are left, or a bit less")
        return tests[0]

    def _direction(self, at: Moment) -> No | None:
        if self.ctdir is None or at.connection is None or self.ctdir == at.connection.direction:
            return None
        return No(self, "ctdir", f"the direction is {at.connection.direction}")


def _is(field: Field, number: int, *, negated: bool = False) -> Constraint:
    return within(field, [(number, number)], negated=negated)


def _address(field: Field, wanted: Negatable[HostNetwork] | None) -> Constraint:
    if wanted is None:
        return ALWAYS
    prefix = Prefix.of(wanted.value.address, wanted.value.length)
    last = prefix.network | (1 << prefix.family.bits - wanted.value.length) - 1
    return within(field, [(prefix.network, last)], negated=wanted.negated)


def _messages(at: Moment) -> tuple[int | Unknown, int | Unknown]:
    """Return type and code of the message that opened a connection of ICMP, and of its answer."""
    from iptc_sim.connection import ICMP_REQUESTS  # noqa: PLC0415 - what reads rules does not need it

    packet = at.packet.inner or at.packet
    kind, code = packet.icmp_type, packet.icmp_code or 0
    if kind is None:
        return UNKNOWN, UNKNOWN
    if kind not in ICMP_REQUESTS[packet.protocol]:
        kind = kind - 1 if kind else _ECHO_REQUEST
    answer = 0 if kind == _ECHO_REQUEST else kind + 1
    return kind << 8 | code, answer << 8 | code
