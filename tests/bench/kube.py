"""How long objects take to become rules: ``python -m tests.bench.kube [SxE ...] [--all]``.

CPU seconds of whole processes from JSON to text, compared in one interleaved run with a process that reads the same JSON
with ``json.load`` and does nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from tests.bench.measure import Series, asked, interleaved, python, run, show

DEFAULT: Final = ("500x3", "5000x5")
ALL: Final = (*DEFAULT, "30000x5")

_LOAD: Final = "import json, sys\nwith open(sys.argv[1]) as file: json.load(file)"
_MAIN: Final = "from iptc_sim.cli import main; main()"


def row(name: str, folder: Path) -> list[str]:
    """Measure one cluster."""
    path = folder / f"{name}.json"
    path.write_text(run([sys.executable, "-m", "tests.bench.objects", name], folder).out)
    generate = python(_MAIN, "generate", "kube", path, "--cluster-cidr", "11.0.0.0/8")
    commands = {
        "load": python(_LOAD, path),
        "save": [*generate, "--output", "save"],
        "restore": [*generate, "--output", "restore"],
    }
    found = interleaved(commands, 3 if path.stat().st_size > 30e6 else 5, folder)
    lines = found["save"].runs[0].out.splitlines()
    rules = sum(line.startswith("-A") for line in lines)
    base = found["load"]

    def shown(series: Series) -> str:
        return f"{series.cpu:.2f} s ({series.ratio(base):.1f}x)"

    return [
        name,
        f"{path.stat().st_size / 1e6:.1f} MB",
        f"{rules:,}",
        f"{base.cpu:.2f} s",
        shown(found["save"]),
        shown(found["restore"]),
        f"{found['save'].cpu / rules * 1e6:.1f}",
        f"{base.peak:.0f} MB",
        f"{found['save'].peak:.0f} MB",
    ]


def main() -> None:
    """Measure the clusters that are asked for and print the table."""
    head = ["cluster", "JSON", "rules", "json.load", "to save text", "to restore text", "us a rule"]
    head += ["peak of json.load", "of ours"]
    show(head, asked("cluster", DEFAULT, ALL), row)


if __name__ == "__main__":
    main()
