"""The command line: one file per command."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Final

import typer
from typer.main import get_command

from iptc_sim.cli.quick_values import quick

#: The commands, each a module of its own, in the order in which help shows them.
COMMANDS: Final = (
    "trace",
    "odds",
    "diff",
    "reach",
    "doctor",
    "who",
    "check",
    "fmt",
    "parse",
    "verify",
    "test",
    "capture",
    "endpoints",
    "env",
    "dns",
    "demo",
    "generate",
)


#: Status where who reads the output has gone: 128 and SIGPIPE.
_PIPE: Final = 141


def application(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the command line with some commands; loading all of them takes longer than most questions."""
    made = typer.Typer(
        name="iptc-sim",
        help="What happens to a packet in an iptables ruleset, rule by rule, and why.",
        epilog="""Examples:

\b
  iptc-sim demo
  iptc-sim trace node.save --flow 'tcp 10.0.0.9:33000 -> 10.0.0.1:80 in eth0'""",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,  # plain help starts in half the time
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    for name in names:
        import_module(f"iptc_sim.cli.{name}").add_to(made)
    made.callback()(root)
    return made


def version(value: bool) -> None:
    """Print the version and stop."""
    if value:
        from iptc_sim import __version__

        sys.stdout.write(f"iptc-sim {__version__}\n")
        raise typer.Exit


def root(
    _version: bool = typer.Option(False, "--version", callback=version, is_eager=True, help="Print the version."),
) -> None:
    """What happens to a packet in an iptables ruleset, rule by rule, and why."""


def run() -> int:
    """Run the command that is asked for and return the exit status."""
    from iptc_sim.diagnostics import IptcError

    asked = sys.argv[1:2]
    try:
        quick(get_command(application(asked if asked and asked[0] in COMMANDS else COMMANDS)))()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except IptcError as error:
        from iptc_sim.cli.common import WRONG

        first, *more = error.diagnostics
        sys.stdout.flush()
        sys.stderr.write(f"{first.render()}\n")
        if more:
            sys.stderr.write(f"  and {len(more)} more {'error' if len(more) == 1 else 'errors'}\n")
        return WRONG
    except BrokenPipeError:
        return _PIPE
    except KeyboardInterrupt:
        return 130
    return 0


def main() -> None:
    """Run the command line; bad input ends with one block on stderr and status 2, never with a traceback.

    The process ends here: to free what it has read, object by object, would take a tenth of its time.
    """
    gc.disable()  # a command is over before a collection would pay: half a million rules hold no cycles
    status = run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = _PIPE
    sys.stderr.flush()
    os._exit(status)


def __getattr__(name: str) -> typer.Typer:
    """Return ``app``, the whole command line, which only tests ask for."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = made = application()
    return made
