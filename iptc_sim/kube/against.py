"""kube-proxy on a node that has rules already: stale chains, kept counters, jumps that are there, others' rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from iptc_sim.kube.compiled import compile_services
from iptc_sim.kube.compiler import compile_text
from iptc_sim.kube.objects import Cluster
from iptc_sim.kube.settings import Settings
from iptc_sim.kube.text import Spelling
from iptc_sim.kube.userspace import APPENDED
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import BUILTIN_CHAINS, Chain, Counters, Rule, Ruleset, Table
from iptc_sim.syntax.write import write_save

_ZERO: Final = Counters(0, 0)


@dataclass(frozen=True, slots=True)
class NodeDump:
    """What kube-proxy sees of a node's tables when it syncs; :class:`iptc_sim.kube.text.Existing` for the compiler.

    Args:
        found: the tables, of the settings' family.
        settings: the release, which decides about prefixes and counters.
    """

    found: Ruleset
    settings: Settings

    def counters(self, table: str, chain: str) -> str:
        """Return the counters that the line of a chain carries: the dump's up to 1.24, else none."""
        there = self.found.chain(table, chain) if self.settings.kube_proxy.keeps_counters else None
        return str((there and there.counters) or _ZERO)

    def stale(self, written: Iterable[str]) -> tuple[str, ...]:
        """Return the chains of nat that have a Service's prefix and no Service any more, by name.

        kube-proxy's own order is random.
        """
        nat = self.found.tables.get("nat")
        prefixes = self.settings.kube_proxy.stale_prefixes
        there = {name for name in (nat.chains if nat else ()) if name.startswith(prefixes)}
        return tuple(sorted(there.difference(written)))


def text_against(cluster: Cluster, settings: Settings, found: Ruleset) -> str:
    """Return the text that kube-proxy hands to iptables-restore on a node that has rules.

    Args:
        cluster: the objects.
        settings: kube-proxy's flags.
        found: the node's tables.
    """
    return compile_text(cluster, settings, Spelling.RESTORE, NodeDump(found, settings))


@dataclass(frozen=True, slots=True)
class After:
    """A node after kube-proxy has synced.

    Args:
        ruleset: its tables.
        held: rules of others that jump to a chain that is to be deleted, as text. With one of them the kernel refuses
            the whole text, and ``ruleset`` is never reached.
    """

    ruleset: Ruleset
    held: tuple[str, ...]

    @property
    def text(self) -> str:
        """The tables as iptables-save prints them."""
        return write_save(self.ruleset)


def node_after(cluster: Cluster, settings: Settings, found: Ruleset) -> After:
    """Return what the node holds once kube-proxy has synced.

    Chains that kube-proxy writes hold its rules and nothing else; its jumps are put in front where they are missing;
    everything else stays, in its place and with its counters.

    Args:
        cluster: the objects.
        settings: kube-proxy's flags; with ``kubelet`` its chains and rules are made too, where they are missing.
        found: the node's tables.
    """
    written, deleted = _chain_lines(text_against(cluster, settings, found))
    fresh = compile_services(cluster, settings)
    tables = dict(found.tables)
    for name, table in fresh.tables.items():
        old = found.tables.get(name) or Table(name, {})
        tables[name] = _merged(old, table, written.get(name, ()), deleted.get(name, ()))
    gone = deleted.get("nat", ())
    held = [
        f"nat {chain.name} {number} jumps to {target}"
        for table, chain, number, rule in Ruleset({"nat": tables["nat"]}).rules()
        if table.name == "nat" and (target := rule.target.name if rule.target else "") in gone
    ]
    return After(replace(found, tables=tables), tuple(held))


def _chain_lines(text: str) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return the chains that a text for iptables-restore flushes, and those that it deletes, by table."""
    written: dict[str, set[str]] = {}
    deleted: dict[str, set[str]] = {}
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":"):
            written.setdefault(table, set()).add(line[1:].split(" ", 1)[0])
        elif line.startswith("-X "):
            deleted.setdefault(table, set()).add(line.split()[1])
    return written, deleted


def _merged(old: Table, fresh: Table, written: Collection[str], deleted: Collection[str]) -> Table:
    """Return a table with kube-proxy's part of it done."""
    chains: dict[str, Chain] = {name: chain for name, chain in old.chains.items() if name not in deleted}
    builtin = {str(hook) for hook in BUILTIN_CHAINS[old.name]}
    for name, chain in fresh.chains.items():
        there = chains.get(name)
        if there is None:
            chains[name] = chain
        elif name in builtin:
            chains[name] = replace(there, rules=_with_jumps(there.rules, chain.rules))
        elif name in written:
            chains[name] = replace(there, rules=chain.rules)
        else:
            # A chain that is only made sure of: whoever fills it (kubelet) appends what is missing.
            missing = [rule for rule in chain.rules if rule not in there.rules]
            chains[name] = replace(there, rules=(*there.rules, *missing))
    return replace(old, chains=chains)


def _with_jumps(there: Iterable[Rule], jumps: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return the rules of a base chain with the jumps that were missing.

    Each is looked for (``-C``), and put in front where it is not found, the last one of the final order first. The
    userspace proxy appends two of them.
    """
    rules = list(there)
    wanted = list(jumps)
    for rule in reversed(wanted):
        if rule not in rules and not _is_appended(rule):
            rules.insert(0, rule)
    return (*rules, *(rule for rule in wanted if _is_appended(rule) and rule not in rules))


def _is_appended(rule: Rule) -> bool:
    return rule.target is not None and rule.target.name in APPENDED
