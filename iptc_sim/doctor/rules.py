"""The rules of a node held against those that kube-proxy would write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from iptc_sim.compare import diff
from iptc_sim.compare.by_service import Grouped, group, renumbered
from iptc_sim.kube.compiled import compile_services
from iptc_sim.kube.expected import as_shown, comparable, is_userspace
from iptc_sim.kube.fit import Explanation, best_release, explain
from iptc_sim.kube.hand_over import found_settings
from iptc_sim.kube.names_of import Names, names_of, object_names
from iptc_sim.kube.objects import Cluster
from iptc_sim.kube.owners import owner_of, service_ports
from iptc_sim.kube.settings import Settings
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Ruleset

#: Other flags are worth a sentence where they leave less than this part of the differences.
_MUCH = 3


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison found.

    Args:
        grouped: the differences by Service.
        settings: those that were compared with, of the release that was found.
        names: of the chains, from objects and dump.
        expected: what kube-proxy would write.
        chosen: how the release was found, in a sentence; empty where it was given.
        absent: where the dump has nothing of kube-proxy at all, a sentence each.
        mind: what keeps packets from kube-proxy's rules although they are there.
        others: how many rules of other people the base chains hold.
    """

    grouped: Grouped
    settings: Settings
    names: Names
    expected: Ruleset
    chosen: str
    absent: tuple[str, ...]
    mind: tuple[str, ...]
    others: Mapping[tuple[str, str], int]


def compare_rules(
    cluster: Cluster,
    settings: Settings,
    found: Ruleset,
    *,
    auto: bool = False,
    everything: bool = False,
    table: str | None = None,
) -> Compared:
    """Compare a dump with what kube-proxy would write for objects.

    Args:
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        settings: kube-proxy's flags and release.
        found: the node's dump.
        auto: take the release that fits best.
        everything: rules of other people count too.
        table: compare this table only.
    """
    chosen = ""
    if settings.proxy_mode == "userspace":
        settings = found_settings(settings, cluster, found)
    if auto:
        fit = best_release(cluster, settings, found)
        settings = replace(settings, release=fit.release)
        also = f"; so {'do' if len(fit.also) > 1 else 'does'} {_ranges(fit.also)}" if fit.also else ""
        lines = "every line agrees" if not fit.differences else f"{fit.differences} lines differ"
        chosen = f"release {fit.release} fits best: {lines}{also}"
    expected = compile_services(cluster, settings)
    found = as_shown(found)
    sides = comparable(expected, found)
    if everything:
        difference = diff(expected, found, table=table, by_content=False)
    else:
        found_edits = diff(sides.expected, sides.found, table=table, by_content=False)
        difference = renumbered(found_edits, sides.places)
    names = names_of(found, object_names(cluster, settings))
    grouped = group(difference, owner_of(names), service_ports(cluster, settings))
    absent = (*_mode(expected, found), *_absent(sides.expected, sides.found))
    return Compared(grouped, settings, names, expected, chosen, absent, sides.mind, {} if everything else sides.others)


def _ranges(names: Sequence[str]) -> str:
    """Return ``1.16, 1.25 to 1.36`` for the names of releases in order."""
    found: list[list[str]] = []
    for name in names:
        if found and int(name.partition(".")[2]) == int(found[-1][-1].partition(".")[2]) + 1:
            found[-1].append(name)
        else:
            found.append([name])
    return ", ".join(part[0] if len(part) == 1 else f"{part[0]} to {part[-1]}" for part in found)


def explanation(cluster: Cluster, compared: Compared, found: Ruleset) -> str:
    """Return which flags would explain differences, in a sentence; empty for none.

    Args:
        cluster: the objects.
        compared: the comparison.
        found: the node's dump.
    """
    other = explain(cluster, compared.settings, found)
    return sentence(other) if other else ""


def sentence(other: Explanation) -> str:
    """Return what other flags would explain; empty where that is too little to speak of."""
    if other.after * _MUCH > other.before:
        return ""
    lines = f"{other.before} lines" if other.before > 1 else "1 line"
    left = "all" if other.after == 0 else f"all but {other.after}"
    return f"would be explained by {', '.join(other.flags)}: {left} of the {lines} that differ"


def _mode(expected: Ruleset, found: Ruleset) -> tuple[str, ...]:
    """Say where kube-proxy runs in another mode than it is compared with."""
    services = found.chain("nat", "KUBE-SERVICES")
    if is_userspace(expected) and not is_userspace(found) and services is not None:
        return ("the dump has the chains of the iptables mode: kube-proxy does not run in userspace mode here",)
    if is_userspace(found) and not is_userspace(expected) and services is None:
        return ("the dump has the chains of kube-proxy's userspace mode: --proxy-mode userspace compares with that",)
    return ()


def _absent(expected: Ruleset, found: Ruleset) -> tuple[str, ...]:
    """Say where a dump has nothing of kube-proxy at all."""
    missing = [name for name in expected.tables if name in found.tables and not _own_chains(found, name)]
    whole = [name for name in expected.tables if name in found.tables]
    if not missing:
        return ()
    if len(missing) == len(whole):
        why = "it does not run here, runs in another mode (ipvs, nftables), or uses the other iptables (nft, legacy)"
        return (f"the dump holds no chain of kube-proxy: {why}",)
    return tuple(f"table {name} holds no chain of kube-proxy: something flushed or deleted them" for name in missing)


def _own_chains(ruleset: Ruleset, table: str) -> list[str]:
    part = ruleset.tables[table]
    return [name for name in part.chains if name not in part.builtin]
