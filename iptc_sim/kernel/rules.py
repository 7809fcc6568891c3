"""Loading rules into a namespace, and telling afterwards which rule a trace event means."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from typing import Final

from iptc_sim.kernel.errors import KernelError, RulesRefusedError
from iptc_sim.kernel.events import TraceEvent
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.kernel.report import Hit
from iptc_sim.values import Family, Variant

#: The protocol of the harness's own probe packets (RFC 3692: for experiments).
PROBE_PROTOCOL: Final = 253

#: The base chains of every table.
BASE_CHAINS: Final[dict[str, tuple[str, ...]]] = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}

#: Everything is traced, not the flow at hand alone: a rule for each flow would miss the second walk over lo
#: once the addresses are translated, and the answers. The probes are dropped before conntrack or any rule of
#: the user's sees them.
_TRACING: Final = f"""*raw
-I PREROUTING 1 -j TRACE
-I PREROUTING 2 -p {PROBE_PROTOCOL} -j DROP
-I OUTPUT 1 -j TRACE
COMMIT
"""

#: How many rules of our own stand first in a chain.
_OWN_RULES: Final = {("raw", "PREROUTING"): 2, ("raw", "OUTPUT"): 1}

_NFT_FAMILIES: Final = {Family.IPV4: "ip", Family.IPV6: "ip6"}

_TABLE_LINE: Final = re.compile(r"^\*(\w+)[ \t]*$", re.MULTILINE)

#: What a target returns, where legacy's trace leaves it untold. Every other target lets the packet go on.
_VERDICTS: Final = {
    "ACCEPT": "ACCEPT", "DROP": "DROP", "RETURN": "RETURN", "REJECT": "DROP", "DNAT": "ACCEPT",
    "SNAT": "ACCEPT", "MASQUERADE": "ACCEPT", "REDIRECT": "ACCEPT", "NETMAP": "ACCEPT", "TPROXY": "ACCEPT",
}  # fmt: skip


@dataclass(slots=True)
class RuleBook:
    """What is loaded for one family.

    Args:
        variant: the back end.
        tables: the tables that the user's text names.
        texts: the rules of every chain, as ``iptables -S`` prints them, ours included.
        policies: the policy of every base chain.
        handles: nft: (table, chain, handle) of every rule, to its number.
    """

    variant: Variant
    tables: frozenset[str]
    texts: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    policies: dict[tuple[str, str], str] = field(default_factory=dict)
    handles: dict[tuple[str, str, int], int] = field(default_factory=dict)

    def resolve(self, event: TraceEvent) -> Hit | None:
        """Return the hit that an event of this family stands for; None for the harness's own rules."""
        chain = event.table, event.chain
        texts = self.texts.get(chain, [])
        # ip_tables calls an explicit unconditional ACCEPT, DROP or RETURN "policy" or "return" too; the
        # number tells: what is no rule has the number behind the last one.
        legacy = self.variant is Variant.LEGACY
        number = event.place if legacy else self.handles.get((*chain, event.place), 0)
        if event.kind == "policy" and (not legacy or number > len(texts)):
            return Hit(*chain, "policy", event.verdict or self.policies.get(chain, "ACCEPT"))
        if not 0 < number <= len(texts):
            return None  # the end of a user chain, of which nft's trace says nothing
        own = _OWN_RULES.get(chain, 0)
        if number <= own:
            return None
        text = texts[number - 1]
        verdict, target = self._verdict(event.table, text) if legacy else (event.verdict, event.target)
        return Hit(*chain, "rule", verdict, target, text, number - own)

    def _verdict(self, table: str, text: str) -> tuple[str, str | None]:
        words = shlex.split(text)  # a comment may hold anything, "-j DROP" too
        option = next((word for word in words if word in {"-j", "-g"}), None)
        if option is None:
            return "CONTINUE", None
        target = words[words.index(option) + 1]
        if (table, target) in self.texts:
            return ("JUMP" if option == "-j" else "GOTO"), target
        return _VERDICTS.get(target, "CONTINUE"), None


def load(namespace: Namespace, rules: str, family: Family, variant: Variant) -> RuleBook:
    """Load ``iptables-restore`` text and the harness's tracing into a namespace.

    All base chains of the tables named are made, as iptables-legacy does anyway: an empty one changes
    nothing, and its policy line shows the packet as it stands there.

    Args:
        namespace: where to.
        rules: the text; tables that it does not name are left as they are.
        family: 4 or 6.
        variant: the back end.

    Raises:
        RulesRefusedError: iptables-restore does not take it.
        KernelError: a tool is missing or hangs.
    """
    tool = _tool(family, variant)
    try:
        namespace.run([f"{tool}-restore"], _declared(rules))
    except KernelError as error:
        raise RulesRefusedError(str(error)) from error
    namespace.run([f"{tool}-restore", "--noflush"], _TRACING)
    book = RuleBook(variant, tables_named(rules))
    _read_listing(book, namespace.run([f"{tool}-save"]))
    if variant is Variant.NFT:
        _read_handles(book, namespace.run(["nft", "-j", "-a", "list", "ruleset", _NFT_FAMILIES[family]]))
    return book


def tables_named(rules: str) -> frozenset[str]:
    """Return the tables that a text for iptables-restore names."""
    return frozenset(_TABLE_LINE.findall(rules))


def clear(namespace: Namespace, family: Family, book: RuleBook) -> None:
    """Take what was loaded out again.

    Raises:
        KernelError: a tool is missing or fails.
    """
    if book.variant is Variant.NFT:
        namespace.run(["nft", "flush", "ruleset", _NFT_FAMILIES[family]])
        return
    # A table of ip_tables stays in its namespace once it was used; empty with policy ACCEPT it does nothing.
    empty = "".join(f"*{table}\nCOMMIT\n" for table in sorted(book.tables | {"raw"}))
    namespace.run([f"{_tool(family, book.variant)}-restore"], _declared(empty))


def _tool(family: Family, variant: Variant) -> str:
    # By their full names: plain iptables is whichever of the two the machine's administrator chose.
    return f"{'iptables' if family is Family.IPV4 else 'ip6tables'}-{variant}"


def _declared(rules: str) -> str:
    def with_chains(found: re.Match[str]) -> str:
        chains = "".join(f"\n:{chain} ACCEPT [0:0]" for chain in BASE_CHAINS.get(found[1], ()))
        return f"*{found[1]}{chains}"

    return _TABLE_LINE.sub(with_chains, rules)


def _read_handles(book: RuleBook, listing: str) -> None:
    numbers: dict[tuple[str, str], int] = {}
    for item in json.loads(listing)["nftables"]:
        if rule := item.get("rule"):
            chain = rule["table"], rule["chain"]
            numbers[chain] = numbers.get(chain, 0) + 1
            book.handles[(*chain, rule["handle"])] = numbers[chain]


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
