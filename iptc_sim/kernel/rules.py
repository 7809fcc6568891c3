"""Loading rules into a namespace, and telling afterwards which rule a trace event means."""

from __future__ import annotations

import re
import shlex
from typing import Final

from iptc_sim.kernel import nftables
from iptc_sim.kernel.errors import KernelError, RulesRefusedError
from iptc_sim.kernel.events import TraceEvent
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.kernel.netlink import NetfilterSocket
from iptc_sim.kernel.report import Hit
from iptc_sim.records import dataclass, field
from iptc_sim.values import Family, Variant

#: The base chains of every table.
BASE_CHAINS: Final[dict[str, tuple[str, ...]]] = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}

_TABLE_LINE: Final = re.compile(r"^\*(\w+)[ \t]*$", re.MULTILINE)

#: What a target returns, where legacy's trace leaves it untold. Every other target lets the packet go on.
_VERDICTS: Final = {
    "ACCEPT": "ACCEPT", "DROP": "DROP", "RETURN": "RETURN", "REJECT": "DROP", "DNAT": "ACCEPT",
    "SNAT": "ACCEPT", "MASQUERADE": "ACCEPT", "REDIRECT": "ACCEPT", "NETMAP": "ACCEPT", "TPROXY": "ACCEPT",
    "NFQUEUE": "QUEUE", "QUEUE": "QUEUE",
}  # fmt: skip


@dataclass(slots=True)
class RuleBook:
    """What is loaded for one family.

    Args:
        variant: the back end.
        tables: the tables that the user's text names.
        texts: the rules of every chain, as ``iptables -S`` prints them; empty where they were not asked for.
        policies: the policy of every base chain, likewise.
        handles: nft: (table, chain, handle) of every rule, to its number.
    """

    variant: Variant
    tables: frozenset[str]
    texts: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    policies: dict[tuple[str, str], str] = field(default_factory=dict)
    handles: dict[tuple[str, str, int], int] = field(default_factory=dict)

    def resolve(self, event: TraceEvent) -> Hit | None:
        """Return the hit that an event of this family stands for; None for the end of a user chain."""
        return self._resolve_logged(event) if self.variant is Variant.LEGACY else self._resolve_traced(event)

    def _resolve_traced(self, event: TraceEvent) -> Hit | None:
        chain = event.table, event.chain
        if event.kind == "policy":
            return Hit(*chain, "policy", event.verdict)
        number = self.handles.get((*chain, event.place))
        if number is None:
            return None
        texts = self.texts.get(chain)
        text = texts[number - 1] if texts else ""
        return Hit(*chain, "rule", event.verdict, event.target, text, number)

    def _resolve_logged(self, event: TraceEvent) -> Hit | None:
        chain = event.table, event.chain
        texts = self.texts.get(chain, [])
        # ip_tables calls an explicit unconditional ACCEPT, DROP or RETURN "policy" or "return" too; the
        # number tells: what is no rule has the number behind the last one.
        if event.kind == "policy" and event.place > len(texts):
            return Hit(*chain, "policy", self.policies.get(chain, "ACCEPT"))
        if not 0 < event.place <= len(texts):
            return None
        text = texts[event.place - 1]
        verdict, target = self._verdict(event.table, text)
        return Hit(*chain, "rule", verdict, target, text, event.place)

    def _verdict(self, table: str, text: str) -> tuple[str, str | None]:
        words = shlex.split(text)  # a comment may hold anything, "-j DROP" too
        option = next((word for word in words if word in {"-j", "-g"}), None)
        if option is None:
            return "CONTINUE", None
        target = words[words.index(option) + 1]
        if (table, target) in self.texts:
            return ("JUMP" if option == "-j" else "GOTO"), target
        return _VERDICTS.get(target, "CONTINUE"), None


def load(
    namespace: Namespace,
    link: NetfilterSocket,
    rules: str,
    family: Family,
    variant: Variant,
    *,
    former: RuleBook | None = None,
    texts: bool = True,
) -> RuleBook:
    """Load ``iptables-restore`` text into a namespace, in place of what was loaded before.

    All base chains of the tables named are made, as iptables-legacy does anyway: an empty one changes
    nothing, and its policy line shows the packet as it stands there.

    Args:
        namespace: where to.
        link: a socket inside.
        rules: the text.
        family: 4 or 6.
        variant: the back end.
        former: what was loaded before.
        texts: whether to read the rules' texts back (iptables-legacy needs them always).

    Raises:
        RulesRefusedError: iptables-restore does not take it.
        KernelError: a tool is missing or hangs.
    """
    tool = _tool(family, variant)
    book = RuleBook(variant, tables_named(rules))
    clear(namespace, link, family, former, book.tables)
    try:
        namespace.run([f"{tool}-restore"], _declared(rules))
    except KernelError as error:
        # What a refused text has left behind: iptables-restore commits table by table.
        clear(namespace, link, family, book)
        raise RulesRefusedError(str(error)) from error
    if texts or variant is Variant.LEGACY:
        _read_listing(book, namespace.run([f"{tool}-save"]))
    if variant is Variant.NFT:
        book.handles = nftables.rule_numbers(link, family)
    return book


def tables_named(rules: str) -> frozenset[str]:
    """Return the tables that a text for iptables-restore names."""
    return frozenset(_TABLE_LINE.findall(rules))


def clear(
    namespace: Namespace,
    link: NetfilterSocket,
    family: Family,
    book: RuleBook | None,
    stay: frozenset[str] = frozenset(),
) -> None:
    """Take what was loaded out again, but for the tables that stay because others come in their place.

    Raises:
        KernelError: a tool is missing or fails.
    """
    if book is None:
        return
    if book.variant is Variant.NFT:
        there = nftables.table_names(link, family)
        nftables.delete_tables(link, there & (book.tables - stay), family)
    elif gone := sorted(book.tables - stay):
        # A table of ip_tables stays in its namespace once it was used; empty with policy ACCEPT it does nothing.
        empty = "".join(f"*{table}\nCOMMIT\n" for table in gone)
        namespace.run([f"{_tool(family, book.variant)}-restore"], _declared(empty))


def _tool(family: Family, variant: Variant) -> str:
    # By their full names: plain iptables is whichever of the two the machine's administrator chose.
    return f"{'iptables' if family is Family.IPV4 else 'ip6tables'}-{variant}"


def _declared(rules: str) -> str:
    """Return the text with every base chain declared in the tables that it names; none is declared twice."""

    def with_chains(found: re.Match[str]) -> str:
        rest = rules[found.end() :].partition("\nCOMMIT")[0]
        missing = [chain for chain in BASE_CHAINS.get(found[1], ()) if f"\n:{chain} " not in rest]
        return "".join([f"*{found[1]}", *(f"\n:{chain} ACCEPT [0:0]" for chain in missing)])

    return _TABLE_LINE.sub(with_chains, rules)


def _read_listing(book: RuleBook, listing: str) -> None:
    table = ""
    for line in listing.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":"):
            chain, policy = line[1:].split()[:2]
            book.texts[table, chain] = []
            book.policies[table, chain] = policy
        elif line.startswith("-A "):
            book.texts[table, line.split()[1]].append(line)
