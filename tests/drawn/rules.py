"""Random rules, drawn from the declarations of the extensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from iptc_sim.builtin import BaseMatch
from iptc_sim.extension import Extension, spellings
from iptc_sim.match import Match
from iptc_sim.matches import MATCHES
from iptc_sim.moment import Hook
from iptc_sim.options import Option
from iptc_sim.ruleset import BUILTIN_CHAINS
from iptc_sim.syntax.own_options import LONG
from iptc_sim.target import Target
from iptc_sim.targets import TARGETS
from iptc_sim.values import Family
from tests.drawn.chance import shuffled
from tests.drawn.how import How, protocols_of, value_of, ways
from tests.drawn.kinds import words_of
from tests.drawn.spelled import PROTOCOLS
from tests.drawn.text import INTERFACE, network, quoted

#: A chain that nothing leads to, and one to jump to.
LOOSE, NEXT = "LOOSE", "NEXT"
#: Words that are mostly wrong, wherever they stand.
_ODD = ["", "-1", "+1", "0x", "08", "99999999999999999999", "1:2:3", "1/2/3", "x", "a,", ",", "1.2.3.4.5", "é"]


def _percent(random: Random, chance: int) -> bool:
    return random.randrange(100) < chance


@dataclass(frozen=True, slots=True)
class Drawn:
    """One random rule.

    Args:
        table: it stands in.
        chain: it stands in.
        words: behind ``-A CHAIN``, as in a restore line.
        names: of the extensions in it.
        loads: whether this kernel can be asked for its verdict.
    """

    table: str
    chain: str
    words: str
    names: tuple[str, ...]
    loads: bool = True

    @property
    def line(self) -> str:
        """As in a restore text."""
        return f"-A {self.chain} {self.words}".rstrip()


@dataclass(frozen=True, slots=True)
class _Chosen:
    extension: type[Extension]
    how: How
    protocols: tuple[str, ...]
    places: frozenset[tuple[str, str]]


class _Place:
    """Table, chain and protocol that all extensions of a rule can live with."""

    def __init__(self) -> None:
        self.places = _all_places()
        self.protocols: tuple[str, ...] = ()
        self.chosen: list[_Chosen] = []

    def add(self, extension: type[Extension], how: How, *, repeated: bool = False) -> bool:
        """Take an extension in if it fits; tell whether it did.

        Args:
            extension: to take.
            how: it is drawn.
            repeated: whether it may be there a second time.
        """
        if any(item.extension is extension for item in self.chosen) and not repeated:
            return False
        one = _Chosen(extension, how, protocols_of(extension, how), _places(extension, how))
        places = self.places & one.places
        protocols = self.protocols
        if one.protocols:
            protocols = tuple(name for name in one.protocols if not protocols or name in protocols)
        if not places or (one.protocols and not protocols):
            return False
        self.places, self.protocols = places, protocols
        self.chosen.append(one)
        return True


@cache
def _all_places() -> frozenset[tuple[str, str]]:
    return frozenset((table, str(chain)) for table, chains in BUILTIN_CHAINS.items() for chain in (*chains, LOOSE))


@cache
def _of_tables(tables: frozenset[str], hooks: frozenset[Hook]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (table, chain)
        for table, chain in _all_places()
        if (not tables or table in tables) and (not hooks or chain == LOOSE or Hook(chain) in hooks)
    )


def _places(extension: type[Extension], how: How) -> frozenset[tuple[str, str]]:
    declared = _of_tables(extension.TABLES, extension.HOOKS)
    allowed = _of_tables(frozenset(how.tables), frozenset(how.hooks))
    return frozenset(place for place in declared & allowed if place[0] not in extension.NOT_IN)


# --- the options of one extension -----------------------------------------------------------------------------------


def _fields(random: Random, options: Sequence[Option], how: How, *, wild: bool) -> list[Option]:
    """Choose some of the options, in the order in which they are written."""
    declared = {item.field: item for item in options if item.field not in how.never}
    share = 100 // max(2, len(declared) // 2)
    taken = {name for name in declared if _percent(random, share)}
    if not wild:
        grouped = {name for group in (*how.one_of, *how.at_most) for name in group}
        required = {name for name, item in declared.items() if item.required}
        taken = (taken | required | set(how.take)) - grouped - set(how.leave)
        taken |= {random.choice(group) for group in how.one_of}
        taken |= {random.choice(group) for group in how.at_most if _percent(random, 40)}
        if how.some_of and not taken & set(how.some_of):
            taken.add(random.choice(how.some_of))
    chosen = [item for name, item in declared.items() if name in taken]
    return shuffled(random, chosen) if len(chosen) > 1 and _percent(random, 50) else chosen


def _option(random: Random, item: Option, how: How, family: Family, *, wild: bool) -> list[str]:
    """Write one option with its values."""
    if item.begins:
        return _elements(random, item, how, family, wild=wild)
    spelling = random.choice(list(item.spellings))
    strategy = value_of(how, item.field, spelling, family)
    kind = item.spellings[spelling]
    found = words_of(kind, family).draw(random) if strategy is None else (strategy.draw(random),)
    if kind.optional and _percent(random, 20):
        found = ()
    if wild and len(found) == 1 and _percent(random, 25):
        found = (random.choice(_ODD),)
    negatable = (item.negatable and item.field not in how.plain) or (wild and _percent(random, 10))
    sign = ["!"] if negatable and _percent(random, 25) else []
    if len(found) == 1 and _percent(random, 4):
        return [*sign, f"{spelling}={quoted(found[0])}"]
    if wild and sign and _percent(random, 20):
        return [spelling, *sign, *map(quoted, found)]
    return [*sign, spelling, *map(quoted, found)]


def _elements(random: Random, item: Option, how: How, family: Family, *, wild: bool) -> list[str]:
    """Write the options of one element or several, with the option that begins the next between them."""
    found: list[str] = []
    for number in range(random.randint(1, how.most)):
        found += item.names[: number > 0]
        found += _options(random, item.members, random.choice(how.elements), family, wild=wild)
    return found


def _options(random: Random, options: Sequence[Option], how: How, family: Family, *, wild: bool) -> list[str]:
    """Write some of the options, those of an extension or of an element."""
    chosen = _fields(random, options, how, wild=wild)
    return [word for item in chosen for word in _option(random, item, how, family, wild=wild)]


def _shortened(random: Random, words: list[str], known: set[str]) -> list[str]:
    """Cut one long option to a beginning that no other option of the rule has."""
    long = [index for index, word in enumerate(words) if word in known and len(word) > 6]
    if not long or not _percent(random, 12):
        return words
    index = random.choice(long)
    starts = [
        words[index][:size]
        for size in range(5, len(words[index]))
        if sum(name.startswith(words[index][:size]) for name in known | LONG.keys()) == 1
    ]
    return [*words[:index], random.choice(starts), *words[index + 1 :]] if starts else words


# --- the rest of a rule ---------------------------------------------------------------------------------------------


def _addresses(random: Random, family: Family, wild: bool) -> list[str]:
    """Write ``-s`` and ``-d``; beside a list of addresses no ``!`` is taken."""
    found: list[str] = []
    lists = _percent(random, 15)
    for names in (("-s", "--source", "--src"), ("-d", "--destination", "--dst")):
        if not _percent(random, 25):
            continue
        several = lists and _percent(random, 60)
        if (not lists or wild) and _percent(random, 25):
            found.append("!")
        words = [network(family).draw(random) for _ in range(random.randint(2, 3) if several else 1)]
        found += [random.choice(names), ",".join(words)]
    return found


def _base(random: Random, family: Family, chain: str, protocols: tuple[str, ...], wild: bool) -> list[str]:
    """Write the base options; ``-p`` comes first, as options behind it depend on it."""
    found: list[str] = []
    if protocols:
        found += [random.choice(["-p", "--protocol", "-p"]), random.choice(protocols)]
    elif _percent(random, 25):
        found += [*(["!"] if _percent(random, 20) else []), "-p", PROTOCOLS.draw(random)]
    found += _addresses(random, family, wild)
    for names, chains in (
        (("-i", "--in-interface"), {"OUTPUT", "POSTROUTING"}),
        (("-o", "--out-interface"), {"PREROUTING", "INPUT"}),
    ):
        if chain not in chains and _percent(random, 15):
            sign = ["!"] if _percent(random, 25) else []
            found += [*sign, random.choice(names), INTERFACE.draw(random)]
    if family is Family.IPV4 and _percent(random, 4):
        found += [*(["!"] if _percent(random, 40) else []), random.choice(["-f", "--fragment"])]
    if _percent(random, 3):
        found += [
            random.choice(["-c", "--set-counters"]),
            "5",
            random.choice(["60", "0", "1234567890123"]),
        ]
    return found


def _matches(place: _Place, random: Random, family: Family, wild: bool) -> list[list[str]]:
    """Write the matches, one list of words each."""
    found: list[list[str]] = []
    for one in place.chosen:
        if issubclass(one.extension, Target):
            continue
        words = _options(random, one.extension.OPTIONS, one.how, family, wild=wild and _percent(random, 50))
        implicit = place.protocols == (one.extension.NAME,) and words and not found and _percent(random, 40)
        found.append(words if implicit else ["-m", one.extension.NAME, *words])
    return found


@cache
def extensions(family: Family) -> tuple[type[Extension], ...]:
    """Return every extension of a family."""
    return tuple(item for item in (*MATCHES.all(), *TARGETS.all()) if family in item.FAMILIES)


def _jump(random: Random, place: _Place, family: Family, wild: bool) -> list[str]:
    """Write the target: a chosen one, a chain, or none."""
    for one in place.chosen:
        if issubclass(one.extension, Target):
            name = one.extension.NAME
            return [
                "-j",
                name,
                *_options(random, one.extension.OPTIONS, one.how, family, wild=wild and _percent(random, 50)),
            ]
    return random.choice([["-j", NEXT], ["-g", NEXT], ["--jump", NEXT], []])


def _company(random: Random, focus: type[Extension], family: Family) -> _Place:
    """Choose the extensions of a rule."""
    place = _Place()
    chosen = random.choice(ways(focus, family))
    place.add(focus, chosen)
    for _ in range(random.choice([0, 0, 1, 1, 2, 3]) if chosen.loads else 0):
        further = random.choice(extensions(family))
        how = random.choice(ways(further, family))
        has_target = any(issubclass(one.extension, Target) for one in place.chosen)
        if how.loads and not (has_target and issubclass(further, Target)):
            place.add(further, how)
    if issubclass(focus, Match) and not chosen.beside and chosen.loads and _percent(random, 4):
        place.add(focus, random.choice([how for how in ways(focus, family) if how.loads]), repeated=True)
    return place


def draw_rule(random: Random, focus: type[Extension], family: Family) -> Drawn:
    """Draw a rule with one extension for certain."""
    place = _company(random, focus, family)
    loads = all(one.how.loads for one in place.chosen)
    wild = loads and _percent(random, 7)
    table, chain = random.choice(sorted(_all_places() if wild and _percent(random, 25) else place.places))
    protocols = () if wild and _percent(random, 20) else place.protocols
    base = _base(random, family, chain, protocols, wild) if loads else ["-p", protocols[0]] if protocols else []
    matches = [words for words in _matches(place, random, family, wild) if words]
    if len(matches) > 1 and all(words[0] == "-m" for words in matches):
        matches = shuffled(random, matches)
    beside = [random.choice(one.how.beside) for one in place.chosen if one.how.beside]
    if beside and not any("tcp" in words[:2] for words in matches):
        matches.append(beside[0].split(" "))
    parts = [base, *matches, _jump(random, place, family, wild)]
    if base and not place.protocols and _percent(random, 5):
        parts = [*matches, parts[-1], base]
    words = [word for part in parts for word in part]
    if wild and words and _percent(random, 10):
        words.insert(random.randrange(len(words)), random.choice(words))
    if not beside:
        known = [*(one.extension for one in place.chosen), BaseMatch]
        words = _shortened(random, words, {name for one in known for name in spellings(one) if name[:2] == "--"})
    blank = random.choice(["  ", "\t"]) if _percent(random, 2) else " "
    return Drawn(table, chain, blank.join(words), tuple(one.extension.NAME for one in place.chosen), loads)


def draw_rules(focus: type[Extension], family: Family, count: int, seed: int) -> list[Drawn]:
    """Return so many rules with one extension, always the same ones for the same seed."""
    random = Random(f"{seed} {int(family)} {focus.NAME}")
    return [draw_rule(random, focus, family) for _ in range(count)]
