"""What targets do, in clauses about the packet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from iptc_sim.builtin import ForeignTarget, GoTo, JumpTo
from iptc_sim.extension import Extension
from iptc_sim.render.explain_words import clauses, joined
from iptc_sim.value_types.nat import ports_text

_ALL_BITS: Final = 0xFFFFFFFF
_ON: Final = "and the walk goes on"


def deed(target: Extension) -> str:
    """Return the clause of a target."""
    if isinstance(target, JumpTo):
        return f"the walk goes on in chain {target.chain}, and comes back here if nothing there decides"
    if isinstance(target, GoTo):
        return f"the walk goes on in chain {target.chain}, and does not come back to this chain"
    if isinstance(target, ForeignTarget):
        return f"{' '.join((f'-j {target.module}', *target.raw))} gets it (which is not known here)"
    special = _SPECIAL.get(target.NAME)
    if special is None:
        told = joined(clauses(target)).removeprefix(f"-j {target.NAME} says ")
        return f"the target {target.NAME} acts on it" + (f" ({told})" if told else "")
    return special if isinstance(special, str) else special(target)


def _reject(target: Any) -> str:
    return f"it is dropped, and its sender is told so with {target.reject_with}"


def _translation(side: str, to: Any) -> str:
    whole = [str(to.addresses)] if to.addresses is not None else []
    whole += [f"port {ports_text(to.ports)}"] if to.ports is not None else []
    several = to.addresses is not None and to.addresses.first != to.addresses.last
    return f"its {side} becomes {'one of ' if several else ''}{', '.join(whole)}, for the whole connection"


def _masquerade(target: Any) -> str:
    ports = f", its source port one of {ports_text(target.to_ports)}" if target.to_ports else ""
    return f"its source becomes the address of the interface it leaves by{ports}, for the whole connection"


def _redirect(target: Any) -> str:
    port = f", port {ports_text(target.to_ports)}" if target.to_ports else ""
    return f"its destination becomes this machine itself{port}, for the whole connection"


def edit_text(what: str, value: int, mask: int) -> str:
    """Return what ``(mark & ~mask) ^ value`` does to a mark, by its commonest readings."""
    if mask == _ALL_BITS:
        return f"{what} is set to {value:#x}"
    if mask == 0:
        return f"the bits {value:#x} of {what} are flipped" if value else f"{what} stays as it is"
    if value == mask:
        return f"the bits {mask:#x} of {what} are set"
    if value == 0:
        return f"the bits {mask:#x} of {what} are cleared"
    if value & ~mask == 0:
        return f"the bits {mask:#x} of {what} become {value:#x}"
    return f"the bits {mask:#x} of {what} are cleared and then {value:#x} is flipped"


def _mark(target: Any) -> str:
    return f"{edit_text('its mark', target.xmark.value, target.xmark.mask)}, {_ON}"


def _connmark(target: Any) -> str:
    if target.xmark is not None:
        return f"{edit_text('the mark of its connection', target.xmark.value, target.xmark.mask)}, {_ON}"
    masks = [
        f"{name} {mask:#x}" for name in ("nfmask", "ctmask", "mask") if (mask := getattr(target, name)) is not None
    ]
    through = f" (through {joined(masks)})" if masks else ""
    if target.save:
        return f"its mark is kept as the mark of its connection{through}, {_ON}"
    return f"it gets the mark of its connection{through}, {_ON}"


def _log(target: Any) -> str:
    prefix = target.log_prefix
    return f"it is written to the kernel log{f', beginning with {prefix}' if prefix else ''}, {_ON}"


def _nflog(target: Any) -> str:
    prefix = target.nflog_prefix
    return f"it is told to group {target.nflog_group} of nflog{f', beginning with {prefix}' if prefix else ''}, {_ON}"


def _ct(target: Any) -> str:
    told = ["it is left alone by connection tracking"] if target.notrack else []
    told += [f"the helper {target.helper} is to watch its connection"] if target.helper else []
    left = clauses(target, leave_out=("notrack", "helper"))
    return f"{joined([*told, *left]) or 'its connection is prepared'}, {_ON}"


def _nfqueue(target: Any) -> str:
    queue = f"queue {target.queue_num}" if target.queue_balance is None else f"one of queues {target.queue_balance}"
    otherwise = "it goes on" if target.queue_bypass else "it is lost"
    return f"the program at {queue} decides about it; where there is none, {otherwise}"


def _tproxy(target: Any) -> str:
    return f"a socket of this machine at {target.on_ip}, port {target.on_port}, gets it with its headers as they are"


def _set(target: Any) -> str:
    side = {"src": "source", "dst": "destination"}
    for verb, entry in (
        ("is put into", target.add),
        ("is taken out of", target.delete),
        ("is looked up in", target.map),
    ):
        if entry is not None:
            sides = joined(side[name] for name in entry.sides)
            return f"its {sides} {verb} the set {entry.set_name}, {_ON}"
    return f"the target SET acts on it, {_ON}"


def _hops(what: str) -> Callable[[Any], str]:
    def told(target: Any) -> str:
        if target.set_to is not None:
            return f"{what} is set to {target.set_to}, {_ON}"
        verb, by = ("grows", target.inc) if target.inc is not None else ("shrinks", target.dec)
        return f"{what} {verb} by {by}, {_ON}"

    return told


def _tcpmss(target: Any) -> str:
    limit = "what fits its way" if target.clamp_to_pmtu else str(target.set_mss)
    return f"its MSS option becomes {limit} at most, {_ON}"


_SPECIAL: Final[dict[str, str | Callable[[Any], str]]] = {
    "ACCEPT": "it is accepted: this table is done with it",
    "DROP": "it is dropped without a word",
    "RETURN": "the walk leaves this chain: it goes on behind the jump to it, in a built-in chain with the policy",
    "REJECT": _reject,
    "DNAT": lambda target: _translation("destination", target.to),
    "SNAT": lambda target: _translation("source", target.to),
    "MASQUERADE": _masquerade,
    "REDIRECT": _redirect,
    "NETMAP": lambda target: f"its address moves into {target.to} and keeps its host part, for the whole connection",
    "MARK": _mark,
    "CONNMARK": _connmark,
    "LOG": _log,
    "NFLOG": _nflog,
    "TRACE": "the kernel reports every rule that it fits from here on",
    "NOTRACK": f"it is left alone by connection tracking, {_ON}",
    "CT": _ct,
    "NFQUEUE": _nfqueue,
    "QUEUE": "the program at queue 0 decides about it; where there is none, it is lost",
    "TPROXY": _tproxy,
    "SET": _set,
    "TTL": _hops("its TTL"),
    "HL": _hops("its hop limit"),
    "TCPMSS": _tcpmss,
    "TEE": lambda target: f"a copy of it is sent to {target.gateway}, {_ON}",
    "CLASSIFY": lambda target: f"it is put into the traffic class {target.traffic_class}, {_ON}",
}
