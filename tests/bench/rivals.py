"""Other readers of iptables rules, measured beside ours: ``python -m tests.bench.rivals [SxE]`` (root, iptables, pip).

``--limit`` stops a reader after so many CPU seconds: its figures are then the least that it takes. ``--repetitions`` says
how often each is measured.

They are installed into a temporary virtual environment. Two of them read what ``iptables -L`` prints and take one table
at a time: they get the nat table only, which the kernel prints in a network namespace of its own. Ours reads all of the
dump. None of the others checks that jumps lead somewhere and that what is loaded would be taken.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.bench.measure import Series, interleaved, python, run, table
from tests.bench.reading import write_dump

_STOPPED: Final = "stopped"
#: A rival is stopped from within, so that its CPU seconds are counted as those of one that comes to its end.
_OPEN: Final = f"""
import os, resource, signal, sys
def stop(*_):
    print("{_STOPPED}", flush=True)
    os._exit(0)
signal.signal(signal.SIGXCPU, stop)
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]), resource.RLIM_INFINITY))
text = open(sys.argv[1]).read()
"""
_OURS: Final = "import sys; from iptc_sim import read_rules; read_rules(sys.argv[1])"
#: By name and release: what it gives, whether it reads a listing, and how it is called.
RIVALS: Final = {
    "linuxnet-iptables 7.6.5": (
        "objects with typed values, of one table",
        True,
        "from linuxnet.iptables import IptablesPacketFilterTable as Table; assert Table('nat').init_from_output(text)",
    ),
    "ferm 0.1.0a9": (
        "each rule's words in a canonical order",
        False,
        "from pyferm.plan.readback import parse_save; assert parse_save(text, host_mask='32')",
    ),
    "jc 1.26.1": (
        "the columns of the listing as text, of one table",
        True,
        "import jc; assert jc.parse('iptables', text, quiet=True)",
    ),
}


def listing(dump: Path) -> str:
    """Load a dump into a throw-away namespace and return what ``iptables -L`` says of its nat table."""
    name = f"bench{os.getpid()}"
    inside = ["ip", "netns", "exec", name]
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run([*inside, "iptables-legacy-restore", str(dump)], check=True)
        command = [*inside, "iptables-legacy", "-t", "nat", "-xnvL"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def install(folder: Path) -> str:
    """Install the rivals; return the Python that has them."""
    venv.create(folder, with_pip=True)
    packages = [name.replace(" ", "==") for name in RIVALS]
    program = str(folder / "bin" / "python")
    subprocess.run([program, "-m", "pip", "install", "--quiet", "--no-input", *packages], check=True)
    return program


def measured(commands: Mapping[str, Sequence[str]], repetitions: int, folder: Path) -> dict[str, Series]:
    """Measure the commands in turn; one that is stopped is run once only, beside the first of the others."""
    stopped = {name: ran for name, command in commands.items() if (ran := run(command, folder)).out.strip() == _STOPPED}
    rest = {name: command for name, command in commands.items() if name not in stopped}
    found = interleaved(rest, repetitions, folder)
    return found | {name: Series((ran,) * repetitions) for name, ran in stopped.items()}


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", nargs="?", default="5000x5", help="Services x endpoints")
    parser.add_argument("--limit", type=int, default=1200, help="CPU seconds after which a rival is stopped")
    parser.add_argument("--repetitions", type=int, default=5, help="how often each is measured")
    return parser.parse_args()


def main() -> None:
    """Measure and print the table."""
    chosen = arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        program = install(folder / "rivals")
        dump, listed = write_dump(chosen.size, folder), folder / "nat.listing"
        listed.write_text(listing(dump))
        commands = {"iptc-sim": python(_OURS, dump)}
        for rival, (_, reads_listing, code) in RIVALS.items():
            commands[rival] = [program, "-c", _OPEN + code, str(listed if reads_listing else dump), str(chosen.limit)]
        found = measured(commands, chosen.repetitions, folder)
    says = {"iptc-sim": "all tables, every value and jump checked"} | {rival: item[0] for rival, item in RIVALS.items()}
    head = [chosen.size, "what it gives", "CPU", "of ours", "peak"]
    ours = found["iptc-sim"]
    rows = [
        [title, says[title], f"{least}{series.cpu:.2f} s", f"{least}{series.ratio(ours):.1f}x", f"{series.peak:.0f} MB"]
        for title, series in found.items()
        for least in [">= " if series.runs[0].out.strip() == _STOPPED else ""]
    ]
    print(table(head, rows))  # noqa: T201


if __name__ == "__main__":
    main()
