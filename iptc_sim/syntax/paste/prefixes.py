"""What stands in front of a line that was copied out of a log, a terminal, a mail or the output of grep.

The layers (indentation, quote mark, timestamp, prompt, file name) are peeled off one by one, and only where a line that
means something is found under them; a line without one is left as it is.
"""

from __future__ import annotations

import re
from typing import Final

from iptc_sim.records import dataclass
from iptc_sim.syntax.paste.notes import GREP, INDENT, LOG, MARKDOWN, MESSAGE, PROMPT

_PROGRAM: Final = r"""
    (?:["']?(?:[\w./-]*/)?ip6?tables(?:-(?:legacy|nft))?+(?:-(?:save|restore))?+["']?(?=[\s;|&<>)]|\Z)
      |["']?\$\{?\w*(?:IP6?T|ip6?t)\w*\}?["']?(?=[ \t]))
"""
#: Words that may stand before the program on a line that is nothing but a command.
_BEFORE: Final = r"""
    (?:(?:sudo|doas|env|nohup|exec|command|time|then|do|else|if|elif|while|until|[!({]|-[nEkS]|\w++=[^\s;&|]*+)
       [ \t]++)*+
"""
_WRAPPERS: Final = (
    r"(?:kubectl|oc|docker|podman|nerdctl|crictl|minikube|vagrant|ip|nsenter|unshare|ssh|chroot|sh|bash|for|if|while|case"
    r"|test|\[|\[\[|cat|echo|printf|which)(?=[ \t])"
)

#: A line that means something. ``rule`` is everything that iptables-restore or iptables -S has.
_START: Final = re.compile(
    rf"""
    (?P<rule>(?:\[\d++:\d++\][ \t]*+)?+(?:-[46][ \t]++)?+
        -(?:[AIDRNPXFEZ](?=[ \t]|\Z)
           |-(?:append|insert|delete|replace|new-chain|policy|delete-chain|flush|rename-chain|zero)(?=[ \t]|\Z))
      |:[^\s:]++[ \t]++(?:-|[A-Z]++)(?:[ \t]|\Z)
      |\*[a-z]++[ \t]*+(?:\#.*)?\Z
      |COMMIT(?=[ \t]|\Z))
   |(?P<comment>\#)
   |(?P<fence>(?:`{{3,}}|~{{3,}})[ ]?[\w-]*+\Z)
   |(?P<separator>--\Z)
   |(?P<elision>(?:\.{{3,}}|\u2026)[^"-]*+\Z
      |[<\[(][ ]?(?:\.\.\.|\u2026|snip|snipped|cut|truncated|omitted|output[ ]omitted)[^\]>)]{{0,60}}+[>\])]\Z
      |-{{2,}}[ ]?[Mm]ore[ ]?-{{2,}}.*)
   |(?P<message>\[sudo\][ ]password[ ]for[ ][^\s:]++:[ ]*+\Z|Password:[ ]*+\Z|Sorry,[ ]try[ ]again\.
      |ip6?tables[\w-]*+(?:[ ]v[\d.]++(?:[ ]\(\w++\))?)?+:[ ]|modprobe:[ ]|sudo:[ ]
      |Try[ ]`ip6?tables|Another[ ]app[ ]is[ ]currently[ ]holding[ ]the[ ]xtables[ ]lock
      |Defaulted[ ]container[ ]|Unable[ ]to[ ]use[ ]a[ ]TTY|Connection[ ]to[ ].++closed\.\Z|Warning:[ ])
   |(?P<bare>(?:-[46][ \t]++)?+(?:-t[ \t]*+\w++|--table[= \t]\w++)[ \t]++-)
   |(?P<command>{_BEFORE}{_PROGRAM}
      |(?:sudo[ \t]++)?+{_WRAPPERS}[^\n]*?[ \t;/("']ip6?tables)
   |(?P<blank>\Z)
    """,
    re.VERBOSE,
)

_TIME: Final = r"""
    (?:\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d++)?+(?:Z|[ ]?[+-]\d\d:?\d\d|[ ]UTC)?+\]?
      |(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[ ])?+
       (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ ]++\d{1,2}+[ ](?:\d{4}[ ])?\d\d:\d\d:\d\d(?:\.\d++)?+
      |[IWEF]\d{4}[ ]\d\d:\d\d:\d\d\.\d++[ ]++\d++[ ][^\s\]]++\]
      |\[[ ]{0,8}+\d++\.\d++\])
"""
#: What may follow a time: the stream of a CRI log, host and program of syslog, a level.
_AFTER_TIME: Final = r"""
    (?:[ ](?:stdout|stderr)[ ][FP](?=[ ]|\Z))?+
    (?:[ ][\w.-]++[ ][\w./()@-]++(?:\[\d++\])?+:(?=[ ]|\Z))?+
    (?:[ ]\[?(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|debug|info|warn|error)\]?:?(?=[ ]|\Z))?+
    (?:[ \t]++|\Z)
"""
_LAYER: Final = re.compile(
    rf"""
    (?P<{INDENT}>[ \t]++)
   |(?P<{MARKDOWN}>>[ ]?)
   |(?P<{MESSAGE}>\[sudo\][ ]password[ ]for[ ][^\s:]++:[ ])
   |(?P<{LOG}>\[(?:pod|container)/[^\]\s]++\](?:[ ]|\Z)
      |(?:<\d{{1,3}}+>)?+{_TIME}{_AFTER_TIME}
      |[\w.@-]++[ ]++\|[ ])
   |(?P<{GREP}>[^\s:"]+?-\d++-(?=[-:*\[\#C])|[^\s:]++:(?:\d++:)?[ ]?|\d++[:-])
    """,
    re.VERBOSE,
)
_PROMPT: Final = re.compile(
    r"""
      (?:\([\w.-]++\)[ ])?+
      (?:\[[^\]\[@]{1,60}+@[^\]\[]{1,120}+\]
        |[\w.-]{1,60}+@[\w.-]{1,80}+[^\s$\#%>"'=]{0,120}+(?:[ ][~/][^\s$\#%>"'=]{0,80}+)?+)
      [ ]?[$\#%>](?:[ ]++|\Z)
     |\$[ ]++(?=[\w./~])
     |(?:[\w.~/:+-]{0,60}+[ ]?)[$\#%\u276f](?:[ ]++)
     |\u279c[ ]++[^\s"'=]{1,60}+[ ]++
    """,
    re.VERBOSE,
)
#: A prompt behind which everything is a command, whatever it is.
_SURE: Final = re.compile(r"\$|\[?[^\s@]++@")

#: ``# iptables -t nat -S``: a listing typed at a root prompt. Other commands behind # are commented out.
_ECHO: Final = re.compile(
    r"#[ ]?(?=(?:sudo[ ])?(?:/\S*/)?ip6?tables(?:-(?:legacy|nft))?(?:-save(?=[ ]|\Z)|[ ].*-\w*S))"
)

_MOST_LAYERS: Final = 8


@dataclass(frozen=True, slots=True)
class Peeled:
    """A line without what stood before it.

    Args:
        offset: how many characters were cut off.
        kind: of the line: a group name of the pattern of beginnings.
        layers: the kinds of what was cut off.
    """

    offset: int
    kind: str
    layers: tuple[str, ...]


def peel(line: str) -> Peeled | None:
    """Find the line under its layers; None where nothing under them means anything."""
    position = 0
    layers: list[str] = []
    for _ in range(_MOST_LAYERS):
        if found := _START.match(line, position):
            echo = _ECHO.match(line, position) if found.lastgroup == "comment" else None
            if echo is None:
                return Peeled(position, found.lastgroup or "", tuple(layers))
            return Peeled(echo.end(), "command", (*layers, PROMPT))
        if (prompt := _PROMPT.match(line, position)) and (
            _SURE.match(line, position) or _is_command(line, prompt.end())
        ):
            return Peeled(prompt.end(), "command", (*layers, PROMPT))
        layer = _LAYER.match(line, position)
        if layer is None:
            return None
        layers.append(layer.lastgroup or "")
        position = layer.end()
    return None


def _is_command(line: str, position: int) -> bool:
    found = _START.match(line, position)
    return found is not None and found.lastgroup == "command"
