"""The Python API that the command line stands on."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from iptc_sim.connection import Earlier, Flow
from iptc_sim.engine import Session, pick_branch, with_replies
from iptc_sim.engine.excerpt import complete_excerpt, note_completion
from iptc_sim.engine.outcomes import Outcome, outcomes
from iptc_sim.flows import from_scapy, is_scapy, parse_flow
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import Trace
from iptc_sim.syntax import parse

if TYPE_CHECKING:
    from iptc_sim.behaviour.answer import Behaviour
    from iptc_sim.behaviour.reach_answer import Reach

#: What a packet may be given as: flow text, a Flow, a Packet, or a scapy packet with an IP layer.
PacketLike = str | Flow | Packet | Any


def to_flow(packet: PacketLike) -> Flow:
    """Return the flow that flow text, a packet or a scapy packet describes.

    A scapy packet is taken to come in by an interface that is not known.

    Raises:
        InputError: IPT040 or IPT041.
    """
    if isinstance(packet, Flow):
        return packet
    if isinstance(packet, str):
        return parse_flow(packet, name="<flow>")
    if isinstance(packet, Packet):
        return Flow(packet)
    if is_scapy(packet):
        return Flow(from_scapy(packet))
    raise TypeError(f"a packet is a str, Flow, Packet or scapy packet, not {type(packet).__name__}")


def trace(  # noqa: PLR0913 - keywords, each a question of its own
    ruleset: Ruleset | str,
    packet: PacketLike,
    node: Node | None = None,
    *,
    reply: bool = False,
    pick: str | None = None,
    seed: int | None = None,
    as_is: bool = False,
    follow: bool = False,
    now: float | None = None,
    history: Iterable[PacketLike | Earlier] | None = None,
) -> Trace:
    """Tell what happens to a packet, rule by rule.

    Args:
        ruleset: the rules, or the text of a dump.
        packet: flow text, a :class:`Flow`, a :class:`Packet`, or a scapy packet.
        node: the machine; None: nothing is known of it but its loopback address.
        reply: also follow the answer back.
        pick: keep one branch only: its number, a chain or a destination that it passes.
        seed: keep one branch only, drawn by the odds.
        as_is: take an excerpt as it is, without the jumps that dockerd and kube-proxy always write.
        follow: also follow the answer back, and what the sender says then.
        now: the time of it, in seconds since 1970, UTC; None: it is not told.
        history: the packets that were sent before it, since the rules were loaded; None: it is not known what was.

    Raises:
        InputError: the dump or the packet cannot be read.
        UsageError: there are too many branches (IPT043), there is no such branch, or what became of a packet of the
            history cannot be told (IPT044).
    """
    rules = parse(ruleset) if isinstance(ruleset, str) else ruleset
    flow, machine = to_flow(packet), node or Node()
    rules = rules if as_is else complete_excerpt(rules)
    known = machine.connections
    fresh = history is not None
    session = Session(rules, machine, connections=() if fresh and known is None else known, fresh=fresh, now=now)
    for earlier in history or ():
        sent = earlier if isinstance(earlier, Earlier) else Earlier(to_flow(earlier), now)
        session.at(sent.now)
        session.pass_on(sent.flow, sent.pick)
    session.at(now)
    found = pick_branch(note_completion(session.send(flow)), pick=pick, seed=seed)
    return with_replies(found, session, follow=follow) if reply or follow else found


def odds(ruleset: Ruleset | str, packet: PacketLike, node: Node | None = None) -> tuple[Outcome, ...]:
    """Tell where a packet can end, with exact odds; equal ends are merged.

    Args and errors as for :func:`trace`.
    """
    return outcomes(trace(ruleset, packet, node))


def reach(
    ruleset: Ruleset | str,
    to: str,
    node: Node | None = None,
    *,
    source: str | None = None,
    wanted: str = "reached",
    states: Collection[str] = ("NEW",),
    marked: bool = False,
    limit: int = 20,
) -> Reach:
    """Tell which packets end at a destination, or are kept from it, and by which rules.

    Args:
        ruleset: the rules, or the text of a dump; an excerpt gets the jumps that dockerd and kube-proxy always write.
        to: an address or network, with or without a port: ``10.244.1.5:8080``.
        node: the machine; None: any.
        source: the network that packets come from; None: anywhere.
        wanted: ``reached``, ``masqueraded``, ``dropped`` or ``rejected``.
        states: the ctstates of packets as they enter: NEW, ESTABLISHED, RELATED, INVALID.
        marked: whether packets may enter with a mark.
        limit: how many classes are told.

    Raises:
        ValueError: a destination, network or word is none.
        InputError: the dump cannot be read.
        UsageError: IPT004, an address is not of the family of the rules.
    """
    from iptc_sim.behaviour.reach import reach as run  # noqa: PLC0415 - who traces does not need it
    from iptc_sim.behaviour.reach_answer import Destination, Wanted  # noqa: PLC0415 - likewise

    rules = complete_excerpt(parse(ruleset) if isinstance(ruleset, str) else ruleset)
    network = None if source is None else Destination.parse(source).prefix
    asked = Wanted(wanted)
    return run(
        rules, Destination.parse(to), node, source=network, wanted=asked, states=states, marked=marked, limit=limit
    )


def differ(
    a: Ruleset | str, b: Ruleset | str, node: Node | None = None, *, limit: int = 20, as_is: bool = False
) -> Behaviour:
    """Tell whether two rulesets treat some packet differently: proven, shown by packets, or what was not decided.

    Args:
        a: the rules, or the text of a dump.
        b: the others.
        node: the machine; None: any.
        limit: how many classes of packets are told.
        as_is: take excerpts as they are, without the jumps that dockerd and kube-proxy always write.

    Raises:
        InputError: a dump cannot be read, or its chains are such that the kernel refuses them.
        UsageError: they are of two address families (IPT004).
    """
    from iptc_sim.behaviour.differ import differ as compare  # noqa: PLC0415 - few who trace a packet need it

    one, other = (parse(rules) if isinstance(rules, str) else rules for rules in (a, b))
    if not as_is:
        one, other = complete_excerpt(one), complete_excerpt(other)
    return compare(one, other, node, limit=limit)
