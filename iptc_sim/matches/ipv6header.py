"""``-m ipv6header``: which extension headers an IPv6 packet has (ip6t_ipv6header.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Free
from iptc_sim.extension import extension
from iptc_sim.match import YES, No, Outcome
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, flag, option
from iptc_sim.protocols import protocol_number
from iptc_sim.values import Family, Names, Negatable

#: Each header by its protocol number (255: what is none of the others), in the order in which they are printed.
HEADERS = {
    0: "hop-by-hop",
    60: "ipv6-opts",
    43: "ipv6-route",
    44: "ipv6-frag",
    51: "ah",
    50: "esp",
    59: "ipv6-nonxt",
    255: "protocol",
}
_SHORT = {
    "hop": 0,
    "dst": 60,
    "route": 43,
    "frag": 44,
    "auth": 51,
    "none": 59,
    "prot": 255,
} | {name: number for number, name in HEADERS.items()}  # fmt: skip


class HeaderList(ValueType[Names]):
    """A comma list of headers by name or protocol number."""

    expected = "a comma list of " + ", ".join(HEADERS.values())

    def read(self, words: tuple[str, ...], context: Reading) -> Names:  # noqa: ARG002 - the interface
        """Return the headers in the order in which they are printed."""
        items = [item for item in words[0].split(",") if item]
        if not items:
            raise ValueError("the list of headers is empty")
        return Names.of((_header(item) for item in items), tuple(HEADERS.values()))


def _header(text: str) -> str:
    number = _SHORT.get(text)
    if number is None:
        # Upper case names and hexadecimal numbers, which -p takes, are refused here.
        number = protocol_number(text) if text == text.lower() and not text.startswith("0x") else -1
    if number not in HEADERS:
        raise ValueError(f"{text} is not an extension header")
    return HEADERS[number]


@extension
class Ipv6header(HeaderMatch):
    """IPv6 only; asks for exactly these headers, with ``--soft`` for at least these."""

    NAME = "ipv6header"
    FAMILIES = frozenset({Family.IPV6})

    header: Negatable[Names] = option(HeaderList(), "--header", negatable=True, required=True)
    soft: bool = flag("--soft")

    def judge(self, at: Moment) -> Outcome:
        """Compare the set of headers, that of the transport included, which is called ``protocol``."""
        datagram = self.octets(at).datagram
        if datagram is None or any(not header.is_whole for header in datagram.extensions):
            return No(self, "", "the headers are cut")
        if datagram.start is None:
            return No(self, "", "the headers are cut")
        kinds = [header.kind for header in datagram.extensions]
        kinds.append(datagram.last if datagram.last in HEADERS else 255)
        found = Names.of((HEADERS[kind] for kind in kinds), tuple(HEADERS.values()))
        wanted = set(self.header.value.names)
        if self.soft:
            there = wanted & set(found.names)
            holds = not there if self.header.negated else there == wanted
        else:
            holds = (set(found.names) == wanted) != self.header.negated
        return YES if holds else No(self, "header", f"the headers are {found}")

    def constraint(self, asked: Asked) -> Constraint:
        """Say which headers are asked for; the negation of ``--soft`` is another question."""
        if self.soft:
            return Free(self.question(asked))
        return self.free("header")
