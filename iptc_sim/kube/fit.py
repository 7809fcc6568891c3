"""Which release, and which flags, fit the rules that a node has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from iptc_sim.builtin import JumpTo
from iptc_sim.kube.changes import RELEASES
from iptc_sim.kube.compiler import compile_text
from iptc_sim.kube.expected import FIREWALL, is_kubelet_line, only_kube_chains
from iptc_sim.kube.objects import Cluster
from iptc_sim.kube.settings import Settings
from iptc_sim.kube.text import Spelling
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Rule, Ruleset
from iptc_sim.syntax.write import write_rule
from iptc_sim.values import Family

_MASQUERADE: Final = JumpTo("KUBE-MARK-MASQ")
_MOST_NODES: Final = 50

_DEFAULTS: Final = Settings()

Lines = Counter[tuple[str, str]]

_Change = dict[str, Any]

#: Flags explain a difference where they leave less than this part of it.
_EXPLAINED: Final = 3
_FEW: Final = 1000


@dataclass(frozen=True, slots=True)
class Fit:
    """The release whose rules are nearest to those of a node.

    Args:
        release: its name.
        differences: how many lines differ.
        also: other releases that are as near.
    """

    release: str
    differences: int
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Other settings under which fewer lines differ.

    Args:
        flags: as they are typed.
        before: how many lines differ now.
        after: how many would.
        settings: the settings with them.
        added: whether they say only what was left open, and contradict nothing that was told.
    """

    flags: tuple[str, ...]
    before: int
    after: int
    settings: Settings
    added: bool


def best_release(cluster: Cluster, settings: Settings, found: Ruleset) -> Fit:
    """Return the release whose rules fit a dump best; of several the newest.

    Args:
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        settings: kube-proxy's flags; their release does not count.
        found: the node's dump.
    """
    score = _scorer(cluster, found)
    scores = {name: score(replace(settings, release=name)) for name in _releases(settings)}
    least = min(scores.values())
    *also, best = [name for name, count in scores.items() if count == least]
    return Fit(best, least, tuple(also))


def explain(cluster: Cluster, settings: Settings, found: Ruleset) -> Explanation | None:
    """Return the flags that would explain differences, None where no other flags fit better.

    What is tried is read from the dump: its release, the masquerade mark, the range of pods, ``--random-fully``, the
    name of the node, Services that a label leaves to another proxy.

    Args:
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        settings: kube-proxy's flags and release.
        found: the node's dump.
    """
    score = _scorer(cluster, found)
    before = score(settings)
    search = _Search(score, settings, before)
    search.improve(list(_trials(cluster, settings, found)))
    # Releases differ in something about every Service: a few lines of a large cluster are no matter of those.
    if search.best * _EXPLAINED > before and (before <= _FEW or search.best >= len(cluster.services)):
        releases = [
            (f"--release {name}", {"release": name}) for name in _releases(settings) if name != settings.release
        ]
        search.improve(releases, once=True)
    if not search.flags:
        return None
    return Explanation(tuple(search.flags), before, search.best, search.settings, search.added)


def _releases(settings: Settings) -> list[str]:
    """Return the releases that have the mode."""
    return [name for name, release in RELEASES.items() if settings.proxy_mode != "userspace" or release.userspace]


class _Search:
    """Looks for settings under which less differs: the best change first, then the best of the others.

    Args:
        score: counts the lines that differ.
        settings: where to begin.
        best: how many lines differ there.
    """

    def __init__(self, score: Callable[[Settings], int], settings: Settings, best: int) -> None:
        self.score, self.settings, self.best, self.told = score, settings, best, settings
        self.flags: list[str] = []
        #: Whether the changes say only what was left open.
        self.added = True

    def improve(self, trials: list[tuple[str, _Change]], *, once: bool = False) -> None:
        """Take over the changes that help; with ``once`` the best one only."""
        while trials and self.best:
            scored = [
                (self.score(replace(self.settings, **change)), number) for number, (_, change) in enumerate(trials)
            ]
            least, number = min(scored)
            if least >= self.best:
                return
            text, change = trials.pop(number)
            self.best = least
            self.flags.append(text)
            self.settings = replace(self.settings, **change)
            same = (getattr(self.told, name) == getattr(_DEFAULTS, name) for name in change)
            self.added = self.added and all(same)
            if once:
                return


def _scorer(cluster: Cluster, found: Ruleset) -> Callable[[Settings], int]:
    """Return a function that counts the lines by which kube-proxy's rules differ from a dump's, order aside."""
    own = only_kube_chains(found)
    with_firewall, without = _lines(own), Counter[tuple[str, str]]()
    for (table, line), count in with_firewall.items():
        if not _of_firewall(table, line):
            without[table, line] = count

    def score(settings: Settings) -> int:
        expected = _lines_of_text(compile_text(cluster, replace(settings, kubelet=False), Spelling.SAVE))
        actual = with_firewall if ("filter", f":{FIREWALL}") in expected else without
        surplus = sum(count for (_, line), count in (actual - expected).items() if not is_kubelet_line(line))
        return (expected - actual).total() + surplus

    return score


def _of_firewall(table: str, line: str) -> bool:
    return table == "filter" and FIREWALL in line.lstrip(":").split()


def _lines(ruleset: Ruleset) -> Lines:
    lines: Lines = Counter()
    for table in ruleset.tables.values():
        for chain in table.chains.values():
            if chain.name not in table.builtin:
                lines[table.name, f":{chain.name}"] += 1
            lines.update((table.name, write_rule(rule, chain.name)) for rule in chain.rules)
    return lines


def _lines_of_text(text: str) -> Lines:
    lines: Lines = Counter()
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith("-A"):
            lines[table, line] += 1
        elif line.startswith(":KUBE") and not line.startswith((":KUBE-MARK-DROP", ":KUBE-PROXY-CANARY")):
            lines[table, line.partition(" ")[0]] += 1
    return lines


def _trials(cluster: Cluster, settings: Settings, found: Ruleset) -> Iterator[tuple[str, _Change]]:
    """Yield settings that the dump, or the objects, suggest."""
    yield from _local_traffic(settings, found)
    yield from _masquerading(settings, found)
    yield from _node_ports(settings, found)
    if not settings.skip_foreign_proxies and any(item.has_other_proxy for item in cluster.services):
        yield "--skip-foreign-proxies", {"skip_foreign_proxies": True}
    if any("Local" in {item.internal_traffic_policy, item.external_traffic_policy} for item in cluster.services):
        names = {item.node for part in cluster.slices for item in part.endpoints if item.node}
        if len(names) <= _MOST_NODES:
            for name in sorted(names - {settings.hostname_override}):
                yield f"--hostname-override {name}", {"hostname_override": name}


def _rules(found: Ruleset, table: str, prefix: str) -> Iterator[Rule]:
    part = found.tables.get(table)
    for chain in part.chains.values() if part else ():
        if chain.name.startswith(prefix):
            yield from chain.rules


def _local_traffic(settings: Settings, found: Ruleset) -> Iterator[tuple[str, _Change]]:
    """Yield how the node tells traffic of its pods: ``! -s RANGE`` or ``! -i NAME`` before KUBE-MARK-MASQ."""
    ranges: Counter[str] = Counter()
    interfaces: Counter[str] = Counter()
    everything = 0
    for prefix in ("KUBE-SVC-", "KUBE-SERVICES"):
        for rule in _rules(found, "nat", prefix):
            if rule.target == _MASQUERADE and rule.base.destination is not None:
                words = rule.base.words()
                if "-s" in words:
                    ranges[words[words.index("-s") + 1]] += 1
                elif "-i" in words:
                    interfaces[words[words.index("-i") + 1]] += 1
                else:
                    everything += 1
    if ranges:
        range_ = ranges.most_common(1)[0][0]
        yield f"--cluster-cidr {range_}", {"cluster_cidr": range_, "detect_local_mode": "", "masquerade_all": False}
    if interfaces:
        name = interfaces.most_common(1)[0][0]
        change: _Change = {"masquerade_all": False}
        if name.endswith("+"):
            change |= {"detect_local_mode": "InterfaceNamePrefix", "pod_interface_name_prefix": name[:-1]}
            yield f"--detect-local-mode InterfaceNamePrefix --pod-interface-name-prefix {name[:-1]}", change
        else:
            change |= {"detect_local_mode": "BridgeInterface", "pod_bridge_interface": name}
            yield f"--detect-local-mode BridgeInterface --pod-bridge-interface {name}", change
    if everything and not settings.masquerade_all:
        yield "--masquerade-all", {"masquerade_all": True}
    if not everything and settings.masquerade_all:
        yield "no --masquerade-all", {"masquerade_all": False}
    if not ranges and settings.cluster_cidr:
        yield "no --cluster-cidr", {"cluster_cidr": ""}


def _masquerading(settings: Settings, found: Ruleset) -> Iterator[tuple[str, _Change]]:
    fully = any("--random-fully" in write_rule(rule) for rule in _rules(found, "nat", "KUBE-POSTROUTING"))
    if fully != settings.random_fully:
        yield "--random-fully" if fully else "no --random-fully", {"random_fully": fully}
    for rule in _rules(found, "nat", "KUBE-MARK-MASQ"):
        value = next((word for word in write_rule(rule).split() if word.startswith("0x")), "").partition("/")[0]
        mark = int(value or "0", 16)
        if mark.bit_count() == 1 and mark.bit_length() - 1 != settings.iptables_masquerade_bit:
            bit = mark.bit_length() - 1
            yield f"--iptables-masquerade-bit {bit}", {"iptables_masquerade_bit": bit}


def _node_ports(settings: Settings, found: Ruleset) -> Iterator[tuple[str, _Change]]:
    tails = [rule for rule in _rules(found, "nat", "KUBE-SERVICES") if rule.target == JumpTo("KUBE-NODEPORTS")]
    words = [rule.base.words() for rule in tails]
    some = [item[item.index("-d") + 1] for item in words if "-d" in item and "!" not in item]
    excluded = any("!" in item for item in words)
    if some:
        addresses = tuple(text.partition("/")[0] for text in some)
        change = {"nodeport_addresses": tuple(some), "node_ip": settings.node_ip or addresses}
        yield " ".join(f"--nodeport-addresses {text}" for text in some), change
    elif tails and settings.nodeport_addresses:
        yield "no --nodeport-addresses", {"nodeport_addresses": ()}
    if settings.family is Family.IPV4 and excluded == settings.iptables_localhost_nodeports:
        told = "false" if excluded else "true"
        yield f"--iptables-localhost-nodeports {told}", {"iptables_localhost_nodeports": not excluded}
