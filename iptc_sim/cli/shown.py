"""How ``iptc-sim trace`` shows a trace: formats, ``--why``, ``--explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from iptc_sim.cli.common import one_of, usage
from iptc_sim.records import dataclass

if TYPE_CHECKING:
    from iptc_sim.render import Labels
    from iptc_sim.ruleset import Ruleset
    from iptc_sim.steps import Trace

FORMATS: Final = ("path", "detailed", "minimal", "xtables", "json", "mermaid", "dot")

#: The formats that take sentences.
_EXPLAINED: Final = ("path", "detailed", "json")

HELP: Final = """Formats:

\b
  path      what changed or decided something, and a verdict (the default)
  detailed  every chain entered and every rule looked at, with the reason
  minimal   a line for each branch, for tests: FATE PACKET ; odds ODDS ; HOOK TABLE CHAIN:NUMBER WHAT ; ...
  xtables   the lines of xtables-monitor --trace; ids and handles are those of freshly loaded rules
  json      everything, with a schema (trace-2.json)
  mermaid   a flowchart for Markdown
  dot       a graph for Graphviz"""


@dataclass(frozen=True)
class ShowFlags:
    """How a trace is shown."""

    output: Annotated[str, typer.Option("--format", metavar="FORMAT", help="One of the formats below.")] = "path"
    why: Annotated[
        list[str] | None,
        typer.Option("--why", metavar="[TABLE/]CHAIN[:N]", help="Why it was not reached, or did not fit; repeatable."),
    ] = None
    explain: Annotated[bool, typer.Option("--explain", help="Also say what each matching rule means.")] = False


class Show:
    """Turns traces of one ruleset into text.

    Args:
        flags: how.
        count: how many packets are traced.

    Raises:
        UsageError: IPT004, the options do not go together.
    """

    def __init__(self, flags: ShowFlags, count: int) -> None:
        self.output, self.explain, self.why = flags.output, flags.explain, flags.why or []
        self.many = count > 1
        one_of(self.output, FORMATS, "--format")
        if self.why and self.output != "path":
            raise usage("the answer to --why is a text of its own", "--why and --format", "one of them")
        if self.explain and (self.why or self.output not in _EXPLAINED):
            other = "--why" if self.why else f"--format {self.output}"
            raise usage("they exclude each other", f"--explain and {other}", f"--format {' or '.join(_EXPLAINED)}")
        if self.many and self.output == "mermaid":
            raise usage(f"{count} packets are given, and a flowchart shows one", "--format mermaid", "one packet")

    @property
    def separator(self) -> str:
        """What stands between the texts of two packets."""
        return "" if self.output in {"json", "minimal"} else "\n"

    def text(self, found: Trace, ruleset: Ruleset, labels: Labels) -> str:
        """Return a trace, or the answer to ``--why``, as text.

        Args:
            found: the trace.
            ruleset: the rules as they were walked.
            labels: names for chains.

        Raises:
            UsageError: IPT004, ``--why`` asks for a chain or rule that is not there.
        """
        from iptc_sim import render

        if self.why:
            places = [place for text in self.why for place in render.find_places(text, ruleset)]
            return render.render_why(found, ruleset, places)
        match self.output:
            case "json":
                return render.trace_json(found, labels, indent=None if self.many else 2, explain=self.explain)
            case "minimal":
                return render.render_minimal(found)
            case "xtables":
                return render.render_xtables(found, ruleset)
            case "mermaid":
                return render.render_mermaid(found, labels)
            case "dot":
                return render.render_dot(found, labels)
        text = (render.render_path if self.output == "path" else render.render_detailed)(found, labels)
        return f"{text}in words:\n{render.render_explained(found)}" if self.explain else text
