"""The command line: one file per command."""

from __future__ import annotations

import gc
import os
import sys

import typer

from iptc_sim.cli import capture, check, demo, diff, fmt, generate, odds, parse, trace, verify

app = typer.Typer(
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
for module in (trace, odds, diff, check, fmt, parse, verify, capture, demo):
    module.add_to(app)
app.add_typer(generate.app, name="generate")


def version(value: bool) -> None:
    """Print the version and stop."""
    if value:
        from iptc_sim import __version__

        sys.stdout.write(f"iptc-sim {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    _version: bool = typer.Option(False, "--version", callback=version, is_eager=True, help="Print the version."),
) -> None:
    """What happens to a packet in an iptables ruleset, rule by rule, and why."""


def main() -> None:
    """Run the command line; bad input ends with one block on stderr and status 2, never with a traceback."""
    from iptc_sim.diagnostics import IptcError

    gc.disable()  # a command is over before a collection would pay: half a million rules hold no cycles
    try:
        app()
    except IptcError as error:
        from iptc_sim.cli.common import WRONG

        first, *more = error.diagnostics
        sys.stdout.flush()
        sys.stderr.write(f"{first.render()}\n")
        if more:
            sys.stderr.write(f"  and {len(more)} more {'error' if len(more) == 1 else 'errors'}\n")
        sys.exit(WRONG)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
