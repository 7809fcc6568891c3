"""Backward: which packets rules may give a destination to, as keys of packets as they enter."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from iptc_sim.behaviour.cells import cell_of
from iptc_sim.behaviour.keyed import ANY_KEY, KeyedTable, joined
from iptc_sim.behaviour.order import Key
from iptc_sim.behaviour.reach_answer import Destination
from iptc_sim.behaviour.regions import widest
from iptc_sim.constraint import Asked, Field
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.diagram.spans import union
from iptc_sim.engine.conntrack import NAT_HOOKS
from iptc_sim.records import dataclass
from iptc_sim.ruleset import Rule, Ruleset, Table
from iptc_sim.symbolic.summaries import FOLLOWED
from iptc_sim.symbolic.variables import Space
from iptc_sim.target import Change, Translate
from iptc_sim.tracking import Manip
from iptc_sim.values import Family, Prefix

_FIELDS: Final = frozenset({Field.DESTINATION, Field.DPORT})
#: Targets that may give another destination, or that are not known.
_MOVES: Final = re.compile(r" -j (?!ACCEPT\b|DROP\b|RETURN\b|MARK\b|MASQUERADE\b|SNAT\b|LOG\b|REJECT\b|KUBE-)")
#: One number of an address as iptables prints it.
_OCTET: Final = r"(?:0|[1-9]\d{0,2})"
#: A destination with a plain IPv4 address, of which it is seen at once that it is another one.
_PLAIN: Final = re.compile(r" --to-destination (\d+)\.(\d+)\.(\d+)\.(\d+)(?::\d+)?(?= |$)")
#: More addresses that rules name within a network are told as "any packet".
_MOST: Final = 2_000


@dataclass(frozen=True, slots=True)
class Given:
    """Which packets rules may give a destination.

    Args:
        keys: that cover all of them, as they enter; no key covers another.
        sends_on: whether a rule sends packets on to it by its address, as to a container.
        moves: the networks that NETMAP moves packets to, each with those that they are of.
    """

    keys: tuple[Key, ...]
    sends_on: bool
    moves: Mapping[Prefix, Sequence[Prefix]]


def given(ruleset: Ruleset, tables: dict[str, KeyedTable], to: Destination) -> Given:
    """Return which packets rules may give a destination.

    Args:
        ruleset: the rules.
        tables: its tables, keyed.
        to: the destination.
    """
    found: list[Key] = []
    rules: list[_Giver] = []
    for name in ("nat", "mangle"):
        table = ruleset.tables.get(name)
        if table is not None:
            givers = dict(_givers(ruleset, name, table, tables[name], to))
            rules += (rule for some in givers.values() for rule in some)
            found += _given(table, tables[name], givers)
    moves: defaultdict[Prefix, list[Prefix]] = defaultdict(list)
    for rule in rules:
        if rule.network is not None:
            moves[rule.network].append(rule.origin or Prefix(ruleset.family, 0, 0))
    return Given(widest(found), any(rule.sends_on for rule in rules), moves)


@dataclass(frozen=True, slots=True)
class _Giver:
    """A rule that may give the destination.

    Args:
        place: in its chain, from 0.
        before: the key of packets before it does.
        sends_on: whether it names the destination's address, or a network that it is in.
        network: that NETMAP moves packets to; ``origin`` the one that they are of, None: any.
    """

    place: int
    before: Key
    sends_on: bool
    network: Prefix | None = None
    origin: Prefix | None = None


def condition_of(space: Space, keys: Iterable[Key], to: Destination, *, own: bool) -> Diagram:
    """Return the condition that a packet enters with one of the keys; ``own``: whether with the destination, too."""
    made = space.diagrams
    _, protocol, port = _own_key(to)
    sent_there = space.cell({**cell_of(("", protocol, port)), Field.DESTINATION: (to.span,)})
    by_service: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    whole = (0, (1 << space.family.bits) - 1)
    for address, protocol, port in keys:
        number = int(ip_address(address)) if address else 0
        by_service[protocol, port].append((number, number) if address else whole)
    parts = []
    for (protocol, port), spans in by_service.items():
        cell = {**cell_of(("", protocol, port)), Field.DESTINATION: union(spans)}
        parts.append(space.cell(cell))
    found = made.disjunction(*parts)
    return made.disjunction(found, sent_there) if own else made.conjunction(found, made.negation(sent_there))


def slicing_keys(tables: dict[str, KeyedTable], to: Destination) -> tuple[Key, ...]:
    """Return the keys of packets to the destination itself; of a network they are those of the addresses in it.

    These are the ones that rules name, and one that no rule names.
    """
    own = _own_key(to)
    if to.prefix.is_host:
        return (own,)
    low, high = to.span
    inside = [text for text in _named(tables) if low <= int(ip_address(text)) <= high]
    if len(inside) > _MOST:
        return (own,)
    return (*((text, "", own[2]) for text in inside), (_UNNAMED, "", own[2]))


def _named(tables: dict[str, KeyedTable]) -> dict[str, None]:
    """Return the addresses that rules ask for."""
    chains = (table[name] for table in tables.values() for name in table.reached(table.table.builtin))
    return {key[0]: None for chain in chains for key in chain.keys if key[0]}


#: Stands for an address that no rule names.
_UNNAMED: Final = "-"


def _own_key(to: Destination) -> Key:
    """Return the key of packets to the destination itself; of a network, that of any packet."""
    return str(to.prefix.address) if to.prefix.is_host else "", "", "" if to.port is None else str(to.port)


def _given(table: Table, keyed: KeyedTable, givers: Mapping[str, Sequence[_Giver]]) -> Iterator[Key]:
    """Yield the keys of packets that rules of a table may give the destination to."""
    if not givers:
        return
    callers: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    leading = keyed.callers(givers)
    for caller in leading:
        for place, aim in enumerate(keyed[caller].aims):
            if aim in leading or aim in givers:
                callers[aim].append((caller, place))
    known: dict[str, tuple[Key, ...]] = {}

    def ways(chain: str, depth: int = 0) -> tuple[Key, ...]:
        """Return the keys of packets that may come to a chain."""
        found = known.get(chain)
        if found is not None:
            return found
        if depth == FOLLOWED:
            return (ANY_KEY,)
        known[chain] = ()  # the kernel refuses circles
        keys = [ANY_KEY] if chain in table.builtin else []
        for caller, place in callers[chain]:
            keys += _both(ways(caller, depth + 1), keyed[caller].keys[place])
        found = known[chain] = widest(keys)
        return found

    for chain, rules in givers.items():
        for rule in rules:
            for key in _both(ways(chain), keyed[chain].keys[rule.place]):
                both = joined(key, rule.before)
                if both is not None:
                    yield both


def _both(keys: Iterable[Key], other: Key) -> list[Key]:
    return [both for key in keys if (both := joined(key, other)) is not None]


def _givers(
    ruleset: Ruleset, name: str, table: Table, keyed: KeyedTable, to: Destination
) -> Iterator[tuple[str, list[_Giver]]]:
    """Yield chains with the rules that may give the destination."""
    texts = keyed.texts
    moves = _moves_to(to)
    for chain in table.chains:
        text = texts.get(chain)
        if text is None:
            places: Sequence[int] = range(len(table.chains[chain].rules))
        elif moves.search(text[0]) is None:
            continue
        else:
            places = [place for place, line in enumerate(text[0].split("\n")) if _may_give(line, to)]
        if not places:
            continue
        rules = zip(places, keyed.rules(chain, places), strict=True)
        found = [giver for place, rule in rules if (giver := _giver(ruleset, name, place, rule, to)) is not None]
        if found:
            yield chain, found


def _moves_to(to: Destination) -> re.Pattern[str]:
    """Return what is in the lines of chains that may give the destination; it is cheap, and rules out most."""
    if not to.prefix.is_host or to.prefix.family is Family.IPV6:
        return _MOVES
    own = re.escape(str(to.prefix.address))
    other = rf"(?!{own}(?::|\s|$)){_OCTET}(?:\.{_OCTET}){{3}}(?::\d+)?(?:\s|$)"
    return re.compile(rf"{_MOVES.pattern}(?!DNAT --to-destination {other})")


def _may_give(line: str, to: Destination) -> bool:
    """Whether a line may give the destination, as far as can be seen without building its rule."""
    if _MOVES.search(line) is None:
        return False
    plain = _PLAIN.search(line)
    if plain is None:
        return True
    one, two, three, four = map(int, plain.groups())
    return max(one, two, three, four) > 0xFF or to.span[0] <= one << 24 | two << 16 | three << 8 | four <= to.span[1]


def _giver(ruleset: Ruleset, name: str, place: int, rule: Rule, to: Destination) -> _Giver | None:
    """Return what a rule has to do with the destination; None where it does not give it."""
    if rule.target is None:
        return None
    for hook in (hook for hook, manip in NAT_HOOKS.items() if manip is Manip.DESTINATION):
        deed = rule.target.deed(Asked(ruleset.family, name, hook, ruleset.variant))
        if isinstance(deed, Change) and deed.fields & _FIELDS:
            return _Giver(place, ANY_KEY, sends_on=False)
        if isinstance(deed, Translate) and deed.manip is Manip.DESTINATION and _gives(deed, to):
            address, _, port = _own_key(to)
            sends_on = deed.network is not None or deed.addresses is not None
            before = "" if deed.redirect or sends_on else address, "", port if deed.ports is None else ""
            asked = rule.base.destination
            origin = None if asked is None or asked.negated else asked.value
            return _Giver(place, before, sends_on, deed.network, origin)
    return None


def _gives(deed: Translate, to: Destination) -> bool:
    low, high = to.span
    if deed.ports is not None and to.port is not None and to.port not in deed.ports:
        return False
    if deed.addresses is not None:
        return int(deed.addresses.first) <= high and low <= int(deed.addresses.last)
    if deed.network is not None:
        first, last = deed.network.span
        return first <= high and low <= last
    return True
