r"""The lines that ``xtables-monitor --trace`` of iptables-nft 1.8.9 prints for a packet, to diff with a live trace.

::

    PACKET: 2 00000001 IN=eth0 SRC=10.0.0.9 DST=10.0.0.1 LEN=40 TOS=0x0 TTL=64 ID=0 SPORT=33000 DPORT=80 SYN
     TRACE: 2 00000001 nat:PREROUTING:rule:0x5:JUMP:DOCKER  -4 -t nat -A PREROUTING -j DOCKER
     TRACE: 2 00000001 filter:FORWARD:policy:ACCEPT

As there, a PACKET line stands before the first line of each built-in chain and shows the packet after that first rule;
the end of a user chain has no line; RETURN is ``0xfffffffb``, a queue ``0x30003``; a line that tells no rule ends in a
blank. Where a rule with ``-j TRACE`` fits, the lines begin with it; else everything is shown, as if one stood first.

What only the machine knows stands here as follows:

* the id of the packet counts from 00000001; a packet that comes back by lo gets a new one, as there;
* handles of rules are those of a table that was loaded by one ``iptables-nft-restore`` of the dump;
* MAC addresses are left out;
* a built-in chain of the dump has its policy line; live there is none where iptables-nft never had to make the chain,
  though iptables-save prints it;
* LEN and ID are those of the captured bytes; of a packet in words LEN is that of the bare headers, ID (or FLOWLBL) 0.

So this, on both sides, leaves only what must be equal::

    sed -E 's/^( ?[A-Z]+: [0-9]+) [0-9a-f]+/\1/; s/:rule:0x[0-9a-f]+/:rule/
            s/ (MAC[A-Z]+|LEN|ID|FLOWLBL)=[^ ]+| DF//g'
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iptc_sim.diagnostics import printable
from iptc_sim.moment import Hook
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6, TCP, UDP
from iptc_sim.records import replace
from iptc_sim.render.matched import Matched, Ways
from iptc_sim.ruleset import BUILTIN_CHAINS, Ruleset, Table
from iptc_sim.steps import ChainStep, End, HookStep, RuleStep, Step, Trace, TranslateStep
from iptc_sim.syntax.write import write_rule
from iptc_sim.target import Alter, Intercept, SetMark
from iptc_sim.values import UNKNOWN, Family

#: The numbers of the families, NFPROTO_IPV4 and NFPROTO_IPV6.
_NUMBERS: Final = {Family.IPV4: 2, Family.IPV6: 10}

#: What follows the IP header, in bytes, where nothing else is known.
_HEADERS: Final = {TCP: 20, UDP: 8, ICMP: 8, ICMPV6: 8}

#: The order in which the tool prints the TCP flags; it knows no others.
_FLAGS: Final = ("SYN", "ACK", "FIN", "RST", "PSH", "URG")

#: NFT_RETURN and NF_STOLEN, for which the tool has no names; NF_QUEUE with its bits.
_RETURN: Final = "0xfffffffb"
_STOLEN: Final = "0x2"
_QUEUE: Final = 3
_BYPASS: Final = 0x8000

_DONT_FRAGMENT: Final = 0x4000


def render_xtables(trace: Trace, ruleset: Ruleset) -> str:
    """Return the lines for each branch, with an empty line between branches.

    Args:
        trace: the trace.
        ruleset: that it is of, for the handles.
    """
    writer = _Writer(ruleset)
    ways = Ways(trace)
    blocks = []
    for index, end in enumerate(trace.ends):
        blocks.append(list(writer.branch(trace, end, ways)))
        reply = trace.replies[index] if index < len(trace.replies) else None
        if reply is not None:
            blocks.append(render_xtables(reply, ruleset).splitlines())
    return "\n".join("".join(f"{line}\n" for line in block) for block in blocks)


class _Writer:
    def __init__(self, ruleset: Ruleset) -> None:
        self.handles = {name: _handles(table) for name, table in ruleset.tables.items()}

    def branch(self, trace: Trace, end: End, ways: Ways) -> Iterator[str]:
        """Yield the lines of one branch."""
        found = {id(item.step): item for item in ways.matched(end) if not item.maybe}
        steps = list(trace.steps(end))
        seen = not any(_is_trace(item) for item in found.values())
        number, packet, opened = 0, trace.flow.packet, False
        for step in steps:
            if isinstance(step, HookStep) and (number == 0 or step.hook is Hook.PREROUTING):
                number += 1
            packet = _packet_at(step, packet)
            if isinstance(step, ChainStep) and step.how == "base":
                opened = False
            item = found.get(id(step))
            if item is None:
                continue
            seen = seen or _is_trace(item)
            if not seen:
                continue
            head = f"{_NUMBERS[packet.family]} {number:08x}"
            if not opened:
                opened = True
                yield printable(f"PACKET: {head} {' '.join(_headers(packet))} ")
            yield printable(f" TRACE: {head} {self._line(item, packet.family)}")

    def _line(self, item: Matched, family: Family) -> str:
        if not isinstance(item.step, RuleStep):
            return f"{item.table}:{item.chain}:policy:{item.verdict} "
        handle = self.handles.get(item.table, {}).get((item.chain, item.step.number), 0)
        text = write_rule(item.step.rule, item.chain)
        verdict = _verdict(item)
        return f"{item.table}:{item.chain}:rule:{handle:#x}:{verdict}  -{int(family)} -t {item.table} {text}"


def _is_trace(item: Matched) -> bool:
    return item.target == "TRACE" and item.target_chain is None


def _handles(table: Table) -> dict[tuple[str, int], int]:
    """Return the handle of each rule: chains and rules count together, in the order in which a load makes them.

    Built-in chains that the dump does not declare are made when their first rule is.
    """
    made: dict[tuple[str, int], int] = {}
    chains = {chain.name for chain in table.chains.values() if chain.declared}
    last = len(chains)
    rules = [
        (rule.line, chain.name, number) for chain in table.chains.values() for number, rule in enumerate(chain.rules, 1)
    ]
    for _, chain, number in sorted(rules, key=lambda rule: rule[0]):
        if chain not in chains and chain in {str(hook) for hook in BUILTIN_CHAINS[table.name]}:
            chains.add(chain)
            last += 1
        last += 1
        made[chain, number] = last
    return made


def _packet_at(step: Step, packet: Packet) -> Packet:
    """Return the packet after a step; a translation comes as a step of its own after its rule, as in the tool."""
    if isinstance(step, HookStep):
        return step.packet
    if isinstance(step, RuleStep) and step.matched:
        if isinstance(step.action, SetMark | Intercept):
            return replace(packet, mark=step.action.mark)
        if isinstance(step.action, Alter) and step.action.packet is not None:
            return step.action.packet
    return step.after if isinstance(step, TranslateStep) else packet


def _verdict(item: Matched) -> str:
    if item.verdict == "RETURN":
        return _RETURN
    target = item.step.rule.target if isinstance(item.step, RuleStep) else None
    if item.target in {"NFQUEUE", "QUEUE"}:
        queue = getattr(target, "queue_num", None) or 0
        bypass = _BYPASS if getattr(target, "queue_bypass", False) else 0
        return hex(queue << 16 | bypass | _QUEUE)
    if item.verdict == "STOLEN":
        return _STOLEN
    return item.verdict if item.target_chain is None else f"{item.verdict}:{item.target_chain}"


def _headers(packet: Packet) -> Iterator[str]:
    for name, interface in (("IN", packet.in_interface), ("OUT", packet.out_interface)):
        if interface is not None:
            yield f"{name}={interface}"
    if packet.in_interface == "lo":
        yield "LOOPBACK"
    yield f"SRC={packet.source}"
    yield f"DST={packet.destination}"
    length, identifier, kept_whole = _measures(packet)
    if packet.family is Family.IPV4:
        yield from (f"LEN={length}", f"TOS={packet.tos:#x}", f"TTL={packet.ttl}", f"ID={identifier}")
        if kept_whole:
            yield "DF"
    else:
        yield from (f"LEN={length}", f"TC={packet.tos}", f"HOPLIMIT={packet.ttl}", f"FLOWLBL={identifier}")
    if packet.sport is not None and packet.dport is not None:
        yield from (f"SPORT={_port(packet.sport)}", f"DPORT={_port(packet.dport)}")
    if packet.protocol == TCP:
        yield from (name for name in _FLAGS if name in packet.flags)
    if packet.mark:
        yield f"MARK={packet.mark:#x}"


def _port(port: object) -> str:
    return "?" if port is UNKNOWN else str(port)


def _measures(packet: Packet) -> tuple[int, int, bool]:
    """Return length, id (or flow label) and whether DF is set; of IPv6 the tool adds an IPv4 header to the payload."""
    raw = packet.raw
    if raw is None or len(raw) < 20:
        return 20 + _HEADERS.get(packet.protocol, 0), 0, False
    if packet.family is Family.IPV6:
        return int.from_bytes(raw[4:6]) + 20, int.from_bytes(raw[1:4]) & 0xFFFFF, False
    return int.from_bytes(raw[2:4]), int.from_bytes(raw[4:6]), bool(int.from_bytes(raw[6:8]) & _DONT_FRAGMENT)
