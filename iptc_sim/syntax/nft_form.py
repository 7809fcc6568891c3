"""How iptables-nft prints ``-m tcp`` and ``-m udp``, which it keeps as nf_tables expressions.

Where iptables 1.8.9 reads a rule back, all expressions about ports and flags end up in one match, at the place of the
first: ``--dport 80 -m tcp --sport 22`` is printed as ``-m tcp --sport 22 --dport 80``. The kernel still tests each of
them, but where two test the same, the text shows a mixture, so the rules here are those of the text alone (measured).
A match without options and one with ``--tcp-option`` are printed as iptables-legacy prints them.
"""

from __future__ import annotations

from collections.abc import Iterable

from iptc_sim.match import Match
from iptc_sim.matches.tcp import FlagTest, Tcp
from iptc_sim.matches.udp import Udp
from iptc_sim.records import replace
from iptc_sim.value_types.port import EVERY_PORT
from iptc_sim.values import Negatable, PortRange


def nft_matches(matches: tuple[Match, ...]) -> tuple[Match, ...]:
    """Return the matches of a rule as iptables-nft prints them."""
    kept: list[Match] = []
    native: list[Tcp | Udp] = []
    place = 0
    for match in matches:
        if isinstance(match, Tcp | Udp) and match.is_native:
            if not native:
                place = len(kept)
                kept.append(match)
            native.append(match)
        else:
            kept.append(match)
    if native:
        kept[place] = _merged(native)
    return tuple(kept)


def _merged(native: list[Tcp | Udp]) -> Tcp | Udp:
    """Return one match for all: a rule has those of one protocol only."""
    if len(native) == 1 and not any(test.negated for test in (native[0].sport, native[0].dport) if test):
        return native[0]  # nearly always
    made = replace(
        native[0], sport=_ports(match.sport for match in native), dport=_ports(match.dport for match in native)
    )
    if not isinstance(made, Tcp):
        return made
    return replace(made, flags=_flags(match.flags for match in native if isinstance(match, Tcp)))


def _ports(tests: Iterable[Negatable[PortRange] | None]) -> Negatable[PortRange] | None:
    """Return the test of one port: each expression sets the ends that it names, and a ``!`` stays.

    ``:90`` is the comparison ``<= 90`` and ``! :90`` the comparison ``> 90``; each names one end.
    """
    first, last, negated = EVERY_PORT.first, EVERY_PORT.last, False
    for test in filter(None, tests):
        if test.value.first or not test.value.last:
            first, last = test.value.first, test.value.last
            negated |= test.negated
        elif test.negated:
            first = test.value.last + 1
        else:
            last = test.value.last
    found = PortRange(first, last)
    return None if found == EVERY_PORT else Negatable(found, negated)


def _flags(tests: Iterable[Negatable[FlagTest] | None]) -> Negatable[FlagTest] | None:
    """Return the test of the flags: the last one counts, and a ``!`` stays."""
    found = [test for test in tests if test is not None]
    return Negatable(found[-1].value, any(test.negated for test in found)) if found else None
