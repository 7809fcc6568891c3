"""How long reading takes, and how much memory: ``python -m tests.bench.reading [SxE ...] [--all]`` (root, iptables).

Compared with ``iptables-nft-restore --test`` on the same dump, in one interleaved run. Every line is read and every
value and jump checked in all columns of ours; `strict` takes what iptables-restore takes and nothing else, and in the
last one every rule is built as an object, too, which otherwise happens when somebody looks at it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from tests.bench.measure import asked, interleaved, python, run, show

DEFAULT: Final = ("500x3", "5000x5")
ALL: Final = (*DEFAULT, "10000x5", "30000x5")
RESTORE: Final = "iptables-nft-restore"

_READ = "import sys; from iptc_sim import read_rules; "
_OURS: Final = {
    "read": _READ + "read_rules(sys.argv[1])",
    "strict": _READ + "read_rules(sys.argv[1], strict=True)",
    "every rule built": _READ + "list(read_rules(sys.argv[1]).rules())",
}
#: Prints what reading adds to the resident memory, the text included, in bytes.
_HELD: Final = """
import gc, sys
from pathlib import Path
from iptc_sim import read_rules
import iptc_sim.syntax
def resident():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
before = resident()
ruleset = read_rules(sys.argv[1])
print(resident() - before)
"""


def write_dump(name: str, folder: Path) -> Path:
    """Write the dump of that name (SxE), in a process of its own."""
    path = folder / f"{name}.save"
    path.write_text(run([sys.executable, "-m", "tests.bench.dumps", name], folder).out)
    return path


def row(name: str, folder: Path) -> list[str]:
    """Measure one dump."""
    path = write_dump(name, folder)
    with path.open() as file:
        rules = sum(line.startswith("-A") for line in file)
    commands = {title: python(code, path) for title, code in _OURS.items()} | {RESTORE: [RESTORE, "--test", str(path)]}
    found = interleaved(commands, 3 if rules > 500_000 else 5, folder)
    held = int(run(python(_HELD, path), folder).out) / rules
    base = found[RESTORE]
    ours = [f"{found[title].cpu:.2f} s ({found[title].ratio(base):.2f}x)" for title in _OURS]
    return [
        name,
        f"{rules:,}",
        f"{base.cpu:.2f} s",
        *ours,
        f"{base.peak:.0f} MB",
        f"{found['read'].peak:.0f} MB",
        f"{held:.0f}",
    ]


def main() -> None:
    """Measure the dumps that are asked for and print the table."""
    head = ["dump", "rules", f"{RESTORE} --test", *_OURS, f"peak of {RESTORE}", "of ours", "bytes a rule"]
    show(head, asked("dump", DEFAULT, ALL), row)


if __name__ == "__main__":
    main()
