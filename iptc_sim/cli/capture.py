"""``iptc-sim capture``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from iptc_sim.cli.common import write

EPILOG = """Examples:

\b
  sudo iptc-sim capture node1
  iptc-sim trace node1 --flow 'tcp 192.0.2.9:33000 -> 192.0.2.10:80 in eth0'
  ssh node2 sudo iptc-sim capture /tmp/node2 && scp -r node2:/tmp/node2 ."""


def capture(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write, new or empty.")],
    force: Annotated[bool, typer.Option("--force", help="Put it in place of a bundle that is there.")] = False,
) -> None:
    """Write down this node (addresses, routes, switches, rules, sets, connections) for --node; nothing is changed."""
    from iptc_sim.kernel.capture import capture as collect

    found = collect(folder, force=force)
    for item, reason in found.missing:
        sys.stderr.write(f"note: no {item.name} ({item.gives}): {reason}\n")
    width = max(len(item.name) for item in found.written)
    write("\n".join([str(folder), *(f"  {item.name:<{width}}  {item.gives}" for item in found.written)]))


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("capture", epilog=EPILOG)(capture)
