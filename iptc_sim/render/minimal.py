"""One line a way, for tests: where it ends, then what decided it.

::

    forward tcp 10.0.0.9:1 -> 172.17.0.2:80 in eth0 out docker0 ; odds 1 ; PREROUTING nat PREROUTING:1 JUMP DOCKER ; ...

Parts are separated by `` ; ``, words by one blank, and neither stands in a name of iptables:

* the fate (``local``, ``forward``, ``sent``, ``drop``, ``reject CODE``, ``lost``, ``stolen``) and the packet as it was
  last, in the words of a flow;
* ``odds`` and the exact chance of this way, in percent where its numbers are very long, ``?`` where it has none;
* for each rule that fits and each policy: hook, table, ``CHAIN:NUMBER`` (``CHAIN:policy``), and what it did: the name
  of the target, ``JUMP`` or ``GOTO`` with the chain, ``CONTINUE`` for a rule without a target, ``ACCEPT`` or ``DROP``
  for a policy. A rule of which it cannot be told, and does not matter, whether it fits has ``?`` after its number.

Nothing in it depends on labels, comments, spelling or line numbers.
"""

from __future__ import annotations

from iptc_sim.diagnostics import printable
from iptc_sim.render.matched import Matched, Ways
from iptc_sim.render.words import fraction_text
from iptc_sim.steps import End, Trace


def render_minimal(trace: Trace) -> str:
    """Return one line for each end, in the order of the branches, and after it one for each way of its reply."""
    ways = Ways(trace)
    lines = []
    for index, end in enumerate(trace.ends):
        lines.append(_line(ways, end))
        reply = trace.replies[index] if index < len(trace.replies) else None
        if reply is not None:
            lines += [f"reply {line}" for line in render_minimal(reply).splitlines()]
    return "".join(f"{line}\n" for line in lines)


def _line(ways: Ways, end: End) -> str:
    code = f" {end.code}" if end.code else ""
    parts = [
        f"{end.fate}{code} {end.packet}",
        f"odds {'?' if end.odds is None else fraction_text(end.odds) or end.odds.percent}",
    ]
    return printable(" ; ".join([*parts, *map(_words, ways.matched(end))]))


def _words(item: Matched) -> str:
    place = f"{item.hook} {item.table} {item.chain}:{item.rule or 'policy'}{'?' if item.maybe else ''}"
    if item.target_chain is not None:
        return f"{place} {item.verdict} {item.target_chain}"
    return f"{place} {item.target or item.verdict}"
