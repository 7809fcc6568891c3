"""Why does my Service not work: objects, endpoints, rules, path, in that order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iptc_sim.compare.by_service import ServiceDifference
from iptc_sim.doctor.endpoints import check_endpoints
from iptc_sim.doctor.excerpt import WHOLE_DUMP, complete, unseen_tables
from iptc_sim.doctor.objects import Target, check_objects
from iptc_sim.doctor.path import check_path, find_origin
from iptc_sim.doctor.report import Check, Diagnosis, Verdict
from iptc_sim.doctor.rules import Compared, compare_rules, sentence
from iptc_sim.flows import NodeOptions, read_node
from iptc_sim.kube.addresses import ObjectResolver, dns_lookup
from iptc_sim.kube.expected import as_shown
from iptc_sim.kube.fit import Explanation, explain
from iptc_sim.kube.hand_over import UserspaceProxy
from iptc_sim.kube.objects import Cluster
from iptc_sim.kube.settings import Settings
from iptc_sim.node import Node
from iptc_sim.records import dataclass, replace
from iptc_sim.render.diff_services import finding_lines
from iptc_sim.ruleset import Ruleset

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Args:
        to: ``svc/NS/NAME:PORT``, ``nodeport/...``, ``lb/...``, a DNS name or an address.
        source: ``pod/NS/NAME``, an address, ``host`` or ``client``; empty: a client that fits the destination.
        protocol: empty: that of the port.
        interface: by which the packet comes in; empty: not known.
        namespace: what names without one belong to.
        auto: take the release that fits best.
        everything: go on behind the first thing that is wrong.
    """

    to: str
    source: str = ""
    protocol: str = ""
    interface: str = ""
    namespace: str = "default"
    auto: bool = False
    everything: bool = False


def diagnose(question: Question, cluster: Cluster, settings: Settings, found: Ruleset, machine: Node) -> Diagnosis:
    """Say what is wrong with a Service on a node.

    Args:
        question: what is asked.
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        settings: kube-proxy's flags and release; what was left open is taken from the dump where that explains it.
        found: the node's dump.
        machine: the node; where nothing is known of it, the path is judged by the rules alone.

    Raises:
        UsageError: IPT004, the source is not known.
    """
    found = as_shown(found)
    if unseen_tables(found):
        found = replace(found, whole=False)
    compared = compare_rules(cluster, settings, found, auto=question.auto)
    settings, taken = compared.settings, ""
    other = explain(cluster, settings, found) if compared.grouped.difference else None
    if other is not None and other.added and other.after == 0:
        settings, taken = other.settings, f"taken from the dump: {', '.join(other.flags)}"
        compared, other = compare_rules(cluster, settings, found), None
    resolver = ObjectResolver(cluster, settings, dns_lookup(cluster), question.namespace)
    machine = _with_addresses(machine, cluster, settings)
    checks: list[Check] = []
    for check in _checks(question, resolver, compared, taken, other, found, machine):
        checks.append(check)
        if check.verdict is Verdict.WRONG and not question.everything:
            break
    source = f" from {question.source}" if question.source else ""
    return Diagnosis(f"{question.to}{source}", tuple(checks))


def _checks(
    question: Question,
    resolver: ObjectResolver,
    compared: Compared,
    taken: str,
    other: Explanation | None,
    found: Ruleset,
    machine: Node,
) -> Iterator[Check]:
    check, target = check_objects(question.to, question.protocol, resolver)
    yield check
    if target is None:
        return
    origin = find_origin(question.source, target, resolver, machine)
    check, backends = check_endpoints(target, resolver.cluster, resolver.settings)
    yield check
    whole = complete(found, compared.expected)
    proxy = UserspaceProxy(whole.rules, resolver.cluster)
    path = check_path(target, origin, whole, machine, backends, proxy, question.interface)
    yield _rules(target, compared, taken, other, path, unseen_tables(found))
    yield path


def _with_addresses(machine: Node, cluster: Cluster, settings: Settings) -> Node:
    """Return the machine with the addresses that flags and Node objects tell, where it has none of its own."""
    if any(not item.address.is_loopback for item in machine.addresses):
        return machine
    of_node = [text for node in cluster.nodes if node.name == settings.hostname_override for text in node.addresses]
    own = tuple(dict.fromkeys((*settings.node_ip, *of_node)))
    return read_node(NodeOptions(local=own)) if own else machine


def _rules(
    target: Target, compared: Compared, taken: str, other: Explanation | None, path: Check, unseen: Sequence[str]
) -> Check:
    """Say whether the node has the rules of the Service, and those that all Services need."""
    grouped = compared.grouped
    own = [part for part in grouped.services if part.service == target.label]
    common = [part for part in grouped.services if not part.service]
    rest = [part.service for part in grouped.services if part.service not in {target.label, ""}]
    details = [*filter(None, (compared.chosen, taken))]
    lines = [*compared.absent, *compared.mind]
    certain = bool(lines)
    lines += [
        " ".join(line.split())
        for part in ((*own, *common) if not compared.absent else ())
        for item in part.findings
        for line in finding_lines(item, compared.names)
    ]
    details += lines[1:_SHOWN]
    if len(lines) > _SHOWN:
        details.append(f"and {len(lines) - _SHOWN} more lines: iptc-sim diff --expect-kube tells all")
    if rest and not compared.absent:
        names = ", ".join(rest[:3]) + " ..." * (len(rest) > 3)
        details.append(f"besides, {len(rest)} other service port{'s' * (len(rest) > 1)} differ: {names}")
    if other is not None and (text := sentence(other)):
        details.append(text)
    release = compared.settings.release
    details += [f"not compared: {text}" for text in grouped.difference.left_out if not text.startswith("table ")]
    if not lines:
        said = f"as kube-proxy {release} writes them: {grouped.difference.rules} rules compared"
        if not unseen:
            return Check("rules", Verdict.OK, said, tuple(details))
        said = f"the dump does not show table {', '.join(unseen)}; the rest is {said}"
        return Check("rules", Verdict.UNCLEAR, said, tuple(details), WHOLE_DUMP)
    effect = "so" if path.verdict is Verdict.WRONG else "even so"
    details.append(f"{effect} {path.said}")
    if target.assigned and not certain:
        look_at = "the objects as the cluster stores them: kubectl get services,endpointslices,nodes -A -o yaml"
        details.append("addresses were made up here, because the objects have none: differences may come from that")
        return Check("rules", Verdict.UNCLEAR, lines[0], tuple(details), look_at)
    return Check("rules", Verdict.WRONG, lines[0], tuple(details), _look_at(compared, own, common))


def _look_at(compared: Compared, own: list[ServiceDifference], common: list[ServiceDifference]) -> str:
    if compared.absent:
        return (
            "whether kube-proxy runs on this node, and in which mode; if it does, what flushed its rules (iptables -F, "
            "nft flush ruleset, a firewall service that was restarted): when it is restarted, it writes them again"
        )
    if compared.mind and not (own or common):
        return "who put that rule there"
    if own and not common:
        return (
            "kube-proxy's log on this node (does its last sync succeed?), and whether it reads the API server: "
            "the rules are not those of the objects"
        )
    return "what else writes to iptables on this node (firewall scripts, iptables-restore, another kube-proxy)"
