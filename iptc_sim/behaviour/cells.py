"""Which parts of all packets can meet a difference between two large rulesets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from iptc_sim.behaviour.fingerprints import Fingerprints
from iptc_sim.behaviour.keyed import ANY_KEY, KeyedTable, joined
from iptc_sim.behaviour.order import Key
from iptc_sim.behaviour.regions import Regions, widest
from iptc_sim.constraint import Field
from iptc_sim.diagram.counting import cubes, project
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.diagram.spans import Spans, size
from iptc_sim.moment import Hook
from iptc_sim.protocols import protocol_number
from iptc_sim.records import dataclass
from iptc_sim.ruleset import BUILTIN_CHAINS
from iptc_sim.symbolic.pipeline import Entrance
from iptc_sim.symbolic.variables import Cell, Space
from iptc_sim.values import Family, Prefix

#: More keys than these are not told apart.
_MOST: Final = 4_000
#: Protocols as keys have them.
_PROTOCOLS: Final = {1: "icmp", 6: "tcp", 17: "udp", 132: "sctp"}
_WITH_PORTS: Final = frozenset({"tcp", "udp", "sctp"})

_Keyed = Mapping[str, KeyedTable]

#: Where packets have the destination that they entered with.
_AHEAD: Final = {
    Entrance.ARRIVING: {("raw", Hook.PREROUTING), ("mangle", Hook.PREROUTING), ("nat", Hook.PREROUTING)},
    Entrance.LOCAL: {("raw", Hook.OUTPUT), ("mangle", Hook.OUTPUT), ("nat", Hook.OUTPUT)},
}
#: Hooks that packets of an entrance come to; what is sent to lo comes back.
_HOOKS: Final = {
    Entrance.ARRIVING: {Hook.PREROUTING, Hook.INPUT, Hook.FORWARD, Hook.POSTROUTING},
    Entrance.LOCAL: set(Hook) - {Hook.FORWARD},
}
#: Where nat is not walked: the connection of what comes back by lo is settled.
_SETTLED: Final = {(Entrance.LOCAL, "nat", Hook.PREROUTING), (Entrance.LOCAL, "nat", Hook.INPUT)}
_DNAT: Final = re.compile(r" -j DNAT --to-destination (\S+)(?: --random| --persistent)*$")
#: Targets that may give packets a destination that is not written out.
_ANYWHERE: Final = re.compile(r"\b(REDIRECT|NETMAP|DNPT|SNPT|TPROXY)\b")
_ONE: Final = re.compile(r"(?P<four>[\d.]+)(?::(?P<port>\d+))?|\[(?P<six>[0-9a-f:.]+)\](?::(?P<port6>\d+))?")


@dataclass(frozen=True, slots=True)
class Part:
    """Packets that are compared together.

    Args:
        entrances: where they come from.
        cell: what they have in common as they enter.
        keys: the same as keys; none: all packets.
    """

    entrances: tuple[Entrance, ...]
    cell: Cell
    keys: tuple[Key, ...]

    def text(self, entrance: Entrance) -> str:
        """Return which packets these are."""
        told = "; ".join(" ".join(filter(None, key)) or "any packet" for key in self.keys)
        return f"{entrance}: {told or 'any packet'}"


def parts_of(
    family: Family,
    tables: tuple[_Keyed, _Keyed],
    prints: Mapping[str, Fingerprints],
    stops: Mapping[tuple[str, Hook], tuple[Key, ...] | None],
    *,
    everything: bool,
) -> tuple[list[Part], tuple[str, tuple[str, ...]] | None]:
    """Return the parts that can meet a difference; and why these are not all packets that can, where so it is.

    Args:
        family: of both rulesets.
        tables: of both, keyed.
        prints: how the chains of their tables compare.
        stops: tables at hooks that are not the same function, with the keys of the packets that they treat differently
            where that is known.
        everything: whether all packets can meet a difference.
    """
    keys: dict[Entrance, dict[Key, None]] = {entrance: {} for entrance in Entrance}
    sources = _Sources(tables)
    regions: dict[str, Regions] = {}
    for (table, hook), told in stops.items():
        if table not in regions:
            regions[table] = Regions(prints[table], tables[0][table], tables[1][table])
        met = regions[table].of(hook) if told is None else told
        for entrance in Entrance:
            if hook in _HOOKS[entrance] and (entrance, table, hook) not in _SETTLED:
                there = met if (table, hook) in _AHEAD[entrance] else (*met, *sources.of(met, entrance))
                keys[entrance] |= dict.fromkeys(there)
    if everything:
        keys = {entrance: {ANY_KEY: None} for entrance in Entrance}
    return _parts(family, tables, {entrance: widest(found) for entrance, found in keys.items()})


def _parts(
    family: Family, tables: tuple[_Keyed, _Keyed], keys: Mapping[Entrance, Sequence[Key]]
) -> tuple[list[Part], tuple[str, tuple[str, ...]] | None]:
    by_key: dict[Key, list[Entrance]] = {}
    wide: list[Entrance] = []
    for entrance, found in keys.items():
        for key in found:
            if key != ANY_KEY:
                by_key.setdefault(key, []).append(entrance)
            else:
                wide.append(entrance)
    parts = [Part(tuple(entrances), cell_of(key), (key,)) for key, entrances in by_key.items()]
    if not wide:
        return parts, None
    named = destinations(tables)
    entrances = tuple(dict.fromkeys(wide))
    samples = [(name, "tcp", "80") for name in _samples(family, named)]
    parts += [Part(entrances, cell_of(key), (key,)) for key in samples]
    why = "rules differ that packets to any destination can meet; of those only a few were compared"
    return parts, (why, tuple(f"compared: {' '.join(key)}" for key in samples))


def _samples(family: Family, named: Sequence[str]) -> Iterator[str]:
    """Yield a destination that no rule names, and a few that rules do."""
    plain = ("198.51.100.7", "192.0.2.77") if family is Family.IPV4 else ("2001:db8:e::7", "2001:db8:e::8")
    yield next((name for name in plain if name not in named), plain[0])
    yield from named[:: max(1, len(named) // 4)][:4]


def destinations(tables: tuple[_Keyed, _Keyed]) -> list[str]:
    """Return the addresses that packets arrive at and rules of long chains name."""
    found: dict[str, None] = {}
    for side in tables:
        nat = side["nat"]
        for chain in nat.reached(BUILTIN_CHAINS["nat"]):
            found |= {key[0]: None for key in nat[chain].keys if key[0]}
    return list(found)


def cell_of(key: Key) -> Cell:
    """Return the part of all packets that have a key."""
    destination, protocol, port = key
    found: dict[Field, tuple[tuple[int, int], ...]] = {}
    if destination:
        number = int(ip_address(destination))
        found[Field.DESTINATION] = ((number, number),)
    if protocol:
        number = protocol_number(protocol)
        found[Field.PROTOCOL] = ((number, number),)
    if port:
        found[Field.DPORT] = ((int(port), int(port)),)
    return found


def keys_of(space: Space, f: Diagram, g: Diagram) -> tuple[Key, ...] | None:
    """Return keys of all packets for which two diagrams differ; None where these are too many."""
    made = space.diagrams
    levels = [space.level(field) for field in (Field.PROTOCOL, Field.DESTINATION, Field.DPORT)]
    pairs = made.apply(lambda mine, theirs: mine is theirs, f, g)
    region = project(made, pairs, lambda same: same is False, levels)
    found: dict[Key, None] = {}
    for cube, _ in cubes(made, region, bool):
        there = [cube.get(level) for level in levels]
        if there[1] is None or size(there[1]) > _MOST:
            return None
        protocol, port = (_single(spans) for spans in (there[0], there[2]))
        for low, high in there[1]:
            for number in range(low, high + 1):
                name = _PROTOCOLS.get(protocol, "") if protocol is not None else ""
                address = Prefix(space.family, number, 0).address
                found[str(address), name, str(port) if port is not None and name in _WITH_PORTS else ""] = None
        if len(found) > _MOST:
            return None
    return widest(found)


def _single(spans: Spans | None) -> int | None:
    return spans[0][0] if spans is not None and size(spans) == 1 else None


#: Chains by address and key.
_Targets = dict[str, dict[Key, list[str]]]


class _Sources:
    """Which packets get a destination by nat."""

    def __init__(self, tables: tuple[_Keyed, _Keyed]) -> None:
        self._nat = [side["nat"] for side in tables]
        self._anywhere: bool | None = None
        self._targets: list[_Targets] | None = None

    def of(self, met: Sequence[Key], entrance: Entrance) -> Iterator[Key]:
        """Yield the keys, on entering, of packets that nat may give one of the keys; more than these, if in doubt."""
        if not met:
            return
        if ANY_KEY in met or self._rewrites_anywhere():
            yield ANY_KEY
            return
        hook = Hook.PREROUTING if entrance is Entrance.ARRIVING else Hook.OUTPUT
        for nat, targets in zip(self._nat, self._by_target(), strict=True):
            chains = set[str]()
            for key in met:
                held = (targets.get(key[0], {}), targets.get("", {})) if key[0] else targets.values()
                for there in held:
                    for target, names in there.items():
                        if joined(key, target) is not None:
                            chains.update(names)
            yield from nat.leading_to(str(hook), chains)

    def _rewrites_anywhere(self) -> bool:
        if self._anywhere is None:
            self._anywhere = any(_ANYWHERE.search(text) for nat in self._nat for _, text in nat.chain_texts())
        return self._anywhere

    def _by_target(self) -> list[_Targets]:
        if self._targets is None:
            self._targets = [_targets(nat) for nat in self._nat]
        return self._targets


def _targets(nat: KeyedTable) -> _Targets:
    """Return the chains by what their rules make of a destination, by its address and as a key."""
    found: _Targets = {}
    for chain, lines in nat.chain_texts():
        if "DNAT" not in lines:
            continue
        for line in lines.split("\n"):
            if "DNAT" in line:
                text = _DNAT.search(line)
                one = _ONE.fullmatch(text[1]) if text else None
                key = ANY_KEY
                if one is not None:
                    key = (one["four"] or str(ip_address(one["six"])), "", one["port"] or one["port6"] or "")
                found.setdefault(key[0], {}).setdefault(key, []).append(chain)
    return found
