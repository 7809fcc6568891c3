"""Sentences that several formats share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from iptc_sim.diagnostics import printable
from iptc_sim.steps import ChainStep, End, Fate, RuleStep, Trace, TranslateStep
from iptc_sim.target import (
    Accept,
    Alter,
    Continue,
    Drop,
    Goto,
    Intercept,
    Jump,
    Prepare,
    Reject,
    Return,
    SetMark,
)
from iptc_sim.tracking import Manip
from iptc_sim.values import UNKNOWN, Odds

#: Names for chains, such as ``KUBE-SVC-...`` -> ``default/my-nginx``.
Labels = Mapping[str, str]


#: A chain that stands for one Service port or endpoint.
_CHAIN = re.compile(r"\bKUBE-[A-Z]{2,3}-[A-Z2-7]{16}\b")

#: Fractions of larger numbers (bits) are not written out: they fill pages, and reducing them takes long.
_MAX_BITS: Final = 2048


def fraction_text(odds: Odds) -> str:
    """Return ``1/3``; nothing where the numbers are too long to be read."""
    return str(odds) if odds.denominator.bit_length() <= _MAX_BITS else ""


def odds_text(odds: Odds | None) -> str:
    """Return ``1/3 (33.333%)``."""
    if odds is None:
        return "odds not known"
    fraction = fraction_text(odds)
    return f"{fraction} ({odds.percent})" if fraction else f"about {odds.percent}"


def place(step: RuleStep) -> str:
    """Return ``nat KUBE-SERVICES rule 3``."""
    return printable(f"{step.table} {step.chain} rule {step.number}")


def line_of(step: RuleStep) -> str:
    """Return ``line 12`` of the dump, or nothing for a rule without a text."""
    return f"line {step.rule.line}" if step.rule.line else ""


def label_of(step: RuleStep, labels: Labels) -> str:
    """Return what a rule is about: the name of the chain that it jumps to, else its comment."""
    action = step.action
    name = labels.get(action.chain, "") if isinstance(action, Jump | Goto) else ""
    return printable(name or step.rule.comment)


def end_label(trace: Trace, end: End, labels: Labels) -> str:
    """Return the name of the last named chain on the way of a branch: the endpoint that was chosen."""
    if not labels:
        return ""
    for segment in reversed(trace.branch(end)):
        for step in reversed(segment.steps):
            if isinstance(step, ChainStep) and step.chain in labels:
                return printable(labels[step.chain])
    return ""


def named(text: str, labels: Labels) -> str:
    """Return a text with the names of the chains that it mentions behind them, ``KUBE-SVC-... (default/web:http)``."""

    def with_name(found: re.Match[str]) -> str:
        label = labels.get(found[0], "")
        return f"{found[0]} ({printable(label)})" if label else found[0]

    return _CHAIN.sub(with_name, text) if labels else text


def action_text(step: RuleStep) -> str:
    """Return what the target did, ``-> KUBE-SERVICES`` or ``ACCEPT``."""
    match step.action:
        case Jump(chain):
            return printable(f"-> {chain}")
        case Goto(chain):
            return printable(f"-> {chain} (goto)")
        case Accept():
            return "ACCEPT"
        case Drop():
            return "DROP"
        case Return():
            return "RETURN"
        case Reject(code):
            return f"REJECT with {code}"
        case SetMark(mark):
            before = step.mark[0] if step.mark else 0
            return f"mark {before:#x} => {mark:#x}" if before != mark else f"mark stays {mark:#x}"
        case Continue(note) | Alter(note) if note:
            return printable(note)
        case Prepare():
            return f"{_name(step)}: {_prepared(step.action)}"
        case Intercept(address, port):
            where = "the in interface" if address is None else str(address)
            return f"{_name(step)}: to a socket on {where}{'' if port is None else f', port {port}'}"
        case Continue() | Alter():
            return _name(step) if step.rule.target else "counted"
        case _:
            return _name(step) or "counted"


def _name(step: RuleStep) -> str:
    return printable(step.rule.target.name) if step.rule.target else ""


def _prepared(action: Prepare) -> str:
    """Return what conntrack is told."""
    zones = f"zone {action.zone}" if action.zone == action.reply_zone else f"zones {action.zone}, {action.reply_zone}"
    told = ["not tracked"] if action.untracked else []
    told += [zones] if action.zone or action.reply_zone else []
    told += [f"helper {printable(action.helper)}"] if action.helper else []
    return ", ".join(told) or "nothing special"


def translation_text(step: TranslateStep) -> str:
    """Return ``destination 10.97.126.137:8125 => 172.17.0.4:80``."""
    before, after = step.before, step.after
    if step.manip is Manip.SOURCE:
        old, new = before.source_text, after.source_text
        if after.source is UNKNOWN:
            new = "an address of this node"
    else:
        old, new = before.destination_text, after.destination_text
        if after.destination is UNKNOWN:
            new = f"this node, port {after.dport}"
    if old == new:
        return f"{step.manip} stays {old}"
    note = f" ({printable(step.note)})" if step.note else ""
    return f"{step.manip} {old} => {new}{note}"


def verdict(trace: Trace, end: End) -> str:
    """Return the sentence that says what became of the packet."""
    packet, first = end.packet, trace.flow.packet
    changed = []
    if packet.destination_text != first.destination_text:
        changed.append(f"destination {first.destination_text} translated")
    if packet.source is UNKNOWN:
        changed.append("source masqueraded")
    elif packet.source_text != first.source_text:
        changed.append(f"source {first.source_text} translated to {packet.source_text}")
    untouched = "" if end.fate in {Fate.DROP, Fate.REJECT, Fate.LOST} else " (not translated)"
    how = f" ({', '.join(changed)})" if changed else untouched
    return f"{_fate(end)}{how}"


def _fate(end: End) -> str:
    packet = end.packet
    match end.fate:
        case Fate.LOCAL:
            return f"delivered on this node to {packet.destination_text}"
        case Fate.FORWARD:
            return f"forwarded to {packet.destination_text}{_by(end)}"
        case Fate.SENT:
            return f"sent to {packet.destination_text}{_by(end)}"
        case Fate.DROP:
            return f"DROPPED on its way to {packet.destination_text} by {printable(end.why)}"
        case Fate.REJECT:
            return f"REJECTED on its way to {packet.destination_text} with {end.code} by {printable(end.why)}"
        case Fate.LOST:
            return f"LOST on its way to {packet.destination_text}: {printable(end.why)}"
        case Fate.STOLEN:
            return f"TAKEN AWAY on its way to {packet.destination_text}: {printable(end.why)}"


def _by(end: End) -> str:
    out = end.packet.out_interface
    return f" by {printable(out)}" if isinstance(out, str) else ""
