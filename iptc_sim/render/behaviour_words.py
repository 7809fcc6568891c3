"""The words of a comparison of behaviours: packets, ends, sizes, and the command that shows a witness again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from iptc_sim.behaviour.answer import Behaviour, DifferenceClass, Ending, Kind, Share
from iptc_sim.connection import Flow
from iptc_sim.node import Node
from iptc_sim.protocols import TCP, TCP_FLAGS
from iptc_sim.render.words import odds_text
from iptc_sim.steps import Fate
from iptc_sim.values import CERTAIN, UNKNOWN

_FATES: Final = {
    Fate.LOCAL: "is delivered on this node",
    Fate.FORWARD: "is forwarded",
    Fate.SENT: "is sent",
    Fate.DROP: "is dropped",
    Fate.REJECT: "is rejected",
    Fate.LOST: "is lost",
    Fate.STOLEN: "is taken away by a target",
}
_KINDS: Final = {
    Kind.FATE: "what becomes of it",
    Kind.REJECT: "the code that it is rejected with",
    Kind.DESTINATION: "where it goes",
    Kind.ODDS: "the odds",
    Kind.ROUNDING: "the odds, by rounding only",
    Kind.MASQUERADE: "the source that it gets",
    Kind.MARK: "the mark that it leaves with",
    Kind.ALTERATIONS: "how it is changed",
}
#: TTL and flags of a packet that says nothing of them.
_TTL: Final = 64


def flow_text(flow: Flow) -> str:
    """Return a flow in the words that ``--flow`` takes."""
    packet = flow.packet
    words = [packet.protocol_name, packet.source_text, "->", packet.destination_text]
    if packet.in_interface is None:
        words += ["from", "host"]
    elif packet.in_interface is not UNKNOWN:
        words += ["in", packet.in_interface]
    if packet.mark:
        words += ["mark", f"{packet.mark:#x}"]
    if flow.state is not None:
        words += ["ct", str(flow.state).lower()]
    if packet.protocol == TCP and packet.flags != {"SYN"}:
        words += ["flags", (",".join(name for name in TCP_FLAGS if name in packet.flags) or "none").lower()]
    if packet.icmp_type is not None:
        words += ["icmp", f"{packet.icmp_type}/{packet.icmp_code or 0}"]
    if packet.ttl != _TTL:
        words += ["ttl", str(packet.ttl)]
    if packet.tos:
        words += ["tos", f"{packet.tos:#x}"]
    return " ".join(words)


def node_words(node: Node) -> list[str]:
    """Return the options of the command line that describe a node as it was made up for a witness."""
    by_interface: dict[str, list[str]] = {link.name: [] for link in node.links}
    words: list[str] = []
    for item in node.addresses:
        if item.interface:
            by_interface.setdefault(item.interface, []).append(f"{item.address}/{item.network.length}")
        else:
            words += ["--local", str(item.address)]
    for name, addresses in by_interface.items():
        words += ["--iface", f"{name}={','.join(addresses)}" if addresses else name]
    for route in node.routes:
        kind = "" if route.kind == "unicast" else f"{route.kind} "
        via = "" if route.gateway is None else f" via {route.gateway}"
        words += ["--route", f"{kind}{route.destination}{via}{f' dev {route.interface}' if route.interface else ''}"]
    return words


def command(item: DifferenceClass, rules: str, *, made: bool) -> str:
    """Return the command that traces the witness through one of the rulesets.

    Args:
        item: the class.
        rules: the name of the ruleset.
        made: whether its node was made up.
    """
    words = ["iptc-sim", "trace", rules, "--flow", flow_text(item.flow), *(node_words(item.node) if made else ())]
    return " ".join(map(shlex.quote, words))


def ending_text(ending: Ending, flow: Flow) -> str:
    """Return what becomes of a packet, in words."""
    words = [_FATES[ending.fate]]
    if ending.code:
        words.append(f"with {ending.code}")
    if ending.destination and ending.destination != flow.packet.destination_text:
        words.append(f"to {ending.destination}")
    if ending.out_interface:
        words.append(f"by {ending.out_interface}")
    more = [f"from {ending.source}" if ending.source else "", f"mark {ending.mark:#x}" if ending.mark else ""]
    more = [part for part in (*more, *ending.alterations) if part]
    return ", ".join([" ".join(words), *more])


def shares_text(shares: Sequence[Share], flow: Flow) -> Iterator[str]:
    """Yield the ends of a packet, one line each, with their odds where there are several."""
    for share in shares:
        chance = "" if len(shares) == 1 and share.odds == CERTAIN else f"{odds_text(share.odds)}: "
        yield f"{chance if len(shares) > 1 else ''}{ending_text(share.ending, flow)}"


def kinds_text(kinds: Iterable[Kind]) -> str:
    """Return in what two rulesets differ."""
    return ", ".join(_KINDS[kind] for kind in kinds)


def packets_text(item: DifferenceClass) -> str:
    """Return what packets a class has, ``tcp from anywhere to 10.96.0.10, destination port 53``."""
    told = {condition.field: condition.text for condition in item.conditions}
    words = [told.pop("protocol", "any protocol")]
    words.append(f"from {told.pop('source', 'anywhere')}")
    port = told.pop("source port", "")
    words += [f"port {port}"] if port else []
    words.append(f"to {told.pop('destination', 'anywhere')}")
    port = told.pop("destination port", "")
    words += [f"port {port}"] if port else []
    text = " ".join(words)
    came = told.pop("in interface", "")
    if item.entry == "local":
        text += ", made on this node"
    else:
        text += f", arriving by {came}" if came else ", arriving by any interface"
    return ", ".join([text, *(f"{field} {value}" for field, value in told.items())])


def size_text(item: DifferenceClass) -> str:
    """Return how many packets a class has."""
    power = item.size.bit_length() - 1
    about = f" (about 2^{power})" if item.size >= 1 << 20 else ""
    return f"{item.size:,} combinations of addresses, ports and protocol{about}" if item.size != 1 else "one packet"


def proof_text(found: Behaviour) -> str:
    """Return how much was proven in which way."""
    proof = found.proof
    told = [
        (proof.by_text, "the same by text"),
        (proof.by_keys, "by their keys"),
        (proof.compared, "compared as functions"),
    ]
    parts = [f"{count:,} {text}" for count, text in told if count]
    total = proof.by_text + proof.by_keys + proof.compared
    text = f"{total:,} chain{'' if total == 1 else 's'}: {', '.join(parts) or 'none'}"
    return text + (f"; {proof.cells:,} part{'' if proof.cells == 1 else 's'} of all packets" if proof.cells else "")
