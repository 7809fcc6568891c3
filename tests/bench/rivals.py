"""Other readers of iptables rules, measured beside ours: ``python -m tests.bench.rivals [SxE]`` (root, iptables, pip).

They are installed into a temporary virtual environment. Two of them read what ``iptables -L`` prints and take one table
at a time: they get the nat table only, which the kernel prints in a network namespace of its own. Ours reads all of the
dump. None of the others checks that jumps lead somewhere and that what is loaded would be taken.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

from tests.bench.measure import interleaved, python, table
from tests.bench.reading import write_dump

_OPEN: Final = "import sys; text = open(sys.argv[1]).read(); "
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


def main() -> None:
    """Measure and print the table."""
    name = sys.argv[1] if len(sys.argv) > 1 else "5000x5"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        program = install(folder / "rivals")
        dump, listed = write_dump(name, folder), folder / "nat.listing"
        listed.write_text(listing(dump))
        commands = {"iptc-sim": python(_OURS, dump)}
        for rival, (_, reads_listing, code) in RIVALS.items():
            commands[rival] = [program, "-c", _OPEN + code, str(listed if reads_listing else dump)]
        found = interleaved(commands, 5, folder)
    says = {"iptc-sim": "all tables, every value and jump checked"} | {rival: item[0] for rival, item in RIVALS.items()}
    head = [name, "what it gives", "CPU", "of ours", "peak"]
    ours = found["iptc-sim"]
    rows = [
        [title, says[title], f"{series.cpu:.2f} s", f"{series.ratio(ours):.1f}x", f"{series.peak:.0f} MB"]
        for title, series in found.items()
    ]
    print(table(head, rows))  # noqa: T201


if __name__ == "__main__":
    main()
