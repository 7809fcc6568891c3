"""Fourth stage: what becomes of a packet on this node, and of the answer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from ipaddress import ip_address, ip_network
from typing import Final

from iptc_sim.api import trace
from iptc_sim.diagnostics import Diagnostic, UsageError
from iptc_sim.doctor.excerpt import WHOLE_DUMP, Completed
from iptc_sim.doctor.objects import Target
from iptc_sim.doctor.report import Check, Verdict
from iptc_sim.flows import parse_flow
from iptc_sim.flows.resolver import NotResolvedError
from iptc_sim.kube.addresses import ObjectResolver
from iptc_sim.kube.hand_over import HandOver, UserspaceProxy
from iptc_sim.kube.objects import Cluster, Pod
from iptc_sim.kube.settings import Settings
from iptc_sim.node import Node
from iptc_sim.protocols import protocol_number
from iptc_sim.records import dataclass
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import End, Fate, Trace
from iptc_sim.values import Family, Odds

_STAGE = "path"
_SPORT: Final = 33000
_OUTSIDE: Final = {Family.IPV4: "198.51.100.7", Family.IPV6: "2001:db8:ffff::7"}
_ARRIVED: Final = frozenset({Fate.FORWARD, Fate.LOCAL, Fate.SENT})
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the packet comes from.

    Args:
        said: in words.
        address: its source.
        is_host: whether this node makes it.
        pod: the pod that sends it, None for anything else.
    """

    said: str
    address: str
    is_host: bool = False
    pod: Pod | None = None


def find_origin(word: str, target: Target, resolver: ObjectResolver, machine: Node) -> Origin:
    """Return where a packet comes from.

    Args:
        word: ``pod/NS/NAME``, an address, ``host``, or nothing: then a pod of this node for a cluster IP, and a client
            outside for other addresses.
        target: where it goes.
        resolver: knows the objects.
        machine: the node.

    Raises:
        UsageError: IPT004, it is none of these.
    """
    settings, cluster = resolver.settings, resolver.cluster
    family = Family(ip_address(target.address).version)
    if word in {"host", "node", "this node"} or (word.startswith("node/") and word[5:] == settings.hostname_override):
        own = [str(item.address) for item in machine.addresses if item.address.version == int(family)]
        address = next((text for text in (*settings.own_addresses, *own) if not ip_address(text).is_loopback), "")
        loopback = "127.0.0.1" if family is Family.IPV4 else "::1"
        return Origin("this node", address or loopback, is_host=True)
    if word in {"client", "outside"} or (not word and target.via != "svc"):
        return Origin(f"a client outside ({_OUTSIDE[family]})", _OUTSIDE[family])
    if not word:
        return _some_pod(cluster, settings, family)
    try:
        found = resolver.resolve(word, protocol_number(target.protocol))
        address = str(found.address) if found else str(ip_address(word))
    except NotResolvedError as error:
        raise _wrong(str(error), hint=error.hint) from error
    except ValueError as error:
        raise _wrong(f"{word} is not an address") from error
    pod = next((item for item in cluster.pods if address in item.addresses), None)
    return Origin(word if pod is None else f"pod {pod.namespace}/{pod.name} ({address})", address, pod=pod)


def _wrong(message: str, hint: str = "") -> UsageError:
    return UsageError(
        Diagnostic("IPT004", message, subject="--from", expected="pod/NS/NAME, an address, host or client", hint=hint)
    )


def _some_pod(cluster: Cluster, settings: Settings, family: Family) -> Origin:
    """Return a pod of this node; one that is made up where none is known."""
    node = settings.hostname_override
    for pod in cluster.pods:
        address = next((text for text in pod.addresses if ip_address(text).version == int(family)), "")
        if address and not pod.spec.host_network and not pod.is_over and (not node or pod.node == node):
            return Origin(f"pod {pod.namespace}/{pod.name} ({address})", address, pod=pod)
    network = ip_network(settings.cluster_cidr_of_family or settings.pod_range(family), strict=False)
    address = str(network.network_address + min(250, network.num_addresses - 2))
    return Origin(f"a pod ({address}, made up)", address)


def check_path(
    target: Target,
    origin: Origin,
    found: Completed,
    machine: Node,
    backends: Sequence[str],
    proxy: UserspaceProxy,
    interface: str = "",
) -> Check:
    """Return what becomes of a packet on the node.

    Args:
        target: where it goes.
        origin: where it comes from.
        found: the node's rules, with what the dump does not show.
        machine: the node.
        backends: the endpoints that may be reached, ``10.244.1.5:8080``.
        proxy: kube-proxy itself, where its userspace mode takes packets.
        interface: by which it comes in; empty: not known.
    """
    text = _flow_text(target, origin, interface)
    walked = trace(found.rules, parse_flow(text, name="--from"), machine, reply=True)
    walked, proxied = proxy.annotate(walked), proxy.hand_overs(walked)
    reached = frozenset((*backends, *(one.at for one in proxied if set(one.endpoints or ()) & set(backends))))
    bad = [end for end in walked.ends if _fault(end, reached)]
    answers = tuple(dict.fromkeys(_answers(walked)))
    details = tuple(f"assumed: {item}" for item in walked.assumptions)
    met = found.met(walked)
    details = (*((f"assumed: {met}",) if met else ()), *details)
    if not bad and not answers:
        verdict, whole = (Verdict.UNCLEAR, WHOLE_DUMP) if met else (Verdict.OK, "")
        return Check(_STAGE, verdict, f"from {origin.said}: {_reached(walked, proxied)}", details, whole)
    faults = tuple(_faults(walked, bad, reached))
    said, *more = (*faults[:_SHOWN], *answers[:_SHOWN])
    look_at = (
        _look_at(bad[0], found.rules, target) if bad else "the rules that the answer meets: iptc-sim trace --reply"
    )
    is_certain = not bad or any(end.odds is not None for end in bad)
    hint = f"step by step: iptc-sim trace DUMP --flow '{text}'"
    verdict = Verdict.WRONG if is_certain else Verdict.UNCLEAR
    return Check(_STAGE, verdict, f"from {origin.said}: {said}", (*more, *details, hint), look_at)


def _faults(walked: Trace, bad: Sequence[End], reached: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with branches, those with the same fault together."""
    groups: dict[str, list[End]] = {}
    for end in bad:
        groups.setdefault(_fault(end, reached), []).append(end)
    for text, ends in groups.items():
        places = list(dict.fromkeys(end.packet.destination_text for end in ends))
        shown = ", ".join(places[:_SHOWN]) + f" and {len(places) - _SHOWN} more" * (len(places) > _SHOWN)
        yield f"{_share(ends, walked)}{text.format(to=shown)}"


def _share(ends: Sequence[End], walked: Trace) -> str:
    if len(ends) == len(walked.ends):
        return ""
    total = Odds(0, 1)
    for end in ends:
        if end.odds is None:
            return "depending on what is not known, "
        total = total + end.odds
    return f"in {total.percent} of cases "


def _flow_text(target: Target, origin: Origin, interface: str) -> str:
    source, destination = _bracketed(origin.address), _bracketed(target.address)
    text = f"{target.protocol} {source}:{_SPORT} -> {destination}:{target.number}"
    if origin.is_host:
        return f"{text} from host"
    return f"{text} in {interface}" if interface else text


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _fault(end: End, reached: Collection[str]) -> str:
    """Return what is wrong about an end, ``{to}`` for its destination; empty where an endpoint is reached."""
    if end.fate in _ARRIVED:
        return (
            ""
            if end.packet.destination_text in reached
            else "the packet goes to {to}, which is no endpoint of the Service"
        )
    why = end.why.replace("{", "{{").replace("}", "}}")
    match end.fate:
        case Fate.DROP:
            return f"the packet is dropped on its way to {{to}} by {why}"
        case Fate.REJECT:
            return f"the packet is rejected with {end.code} on its way to {{to}} by {why}"
    return f"the packet is {'lost' if end.fate is Fate.LOST else 'taken away'} on its way to {{to}}: {why}"


def _answers(walked: Trace) -> Iterator[str]:
    """Yield what is wrong about the answers, as far as they pass this node."""
    for reply in walked.replies:
        for end in reply.ends if reply else ():
            if end.fate in {Fate.DROP, Fate.REJECT} and end.odds is not None:
                yield f"the answer is dropped on its way back by {end.why}"


def _reached(walked: Trace, proxied: Sequence[HandOver]) -> str:
    """Return which endpoints are reached, and by which source address they see the client."""
    if proxied:
        return "; ".join(str(one) for one in proxied)
    ends = list(walked.ends)
    texts = [end.packet.destination_text for end in ends]
    unique = list(dict.fromkeys(texts))
    shown = ", ".join(unique[:_SHOWN]) + (f" and {len(unique) - _SHOWN} more" if len(unique) > _SHOWN else "")
    hidden = [end for end in ends if end.packet.source_text != walked.flow.packet.source_text]
    if not hidden:
        source = "the client's own address stays"
    elif len(hidden) == len(ends):
        source = "masqueraded: pods see the node's address"
    else:
        source = "masqueraded for some of them"
    return f"reaches {shown}; {source}"


def _look_at(end: End, found: Ruleset, target: Target) -> str:
    """Return what to look at where a packet does not arrive."""
    if end.fate in _ARRIVED and str(end.packet.destination) == target.address:
        return "why no rule translates it: iptc-sim trace with --why nat/KUBE-SERVICES"
    if end.decided_by is None:
        return "routes and addresses of the node: ip route get"
    table, chain, number = end.decided_by
    rules = found.chain(table, chain)
    if rules is None or not number:
        return f"the policy of {table} {chain}, and which rule was to accept the packet before"
    line = rules.rules[number - 1].line
    place = f"line {line} of the dump: " if line else ""
    text = rules.rules[number - 1].text.strip()
    return f"{place}{text or f'{table} {chain} rule {number}'}" + (
        "" if chain.startswith("KUBE-") else " (not kube-proxy's)"
    )
