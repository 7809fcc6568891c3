"""How long ``diff --behaviour`` takes, against reading both dumps: ``python -m tests.bench.behaviour [SxE ...] [--all]``.

B is A with its Services and chains in another order, or after one change.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import median
from typing import Final

from tests.bench.measure import asked, interleaved, python, table
from tests.bench.reading import write_dump

DEFAULT: Final = ("5000x5",)
ALL: Final = (*DEFAULT, "30000x5")

_REPETITIONS: Final = 3
_BOTH: Final = "import sys; from iptc_sim import read_rules; read_rules(sys.argv[1]); read_rules(sys.argv[2])"
_DIFFER: Final = (
    "import sys; from iptc_sim import read_rules; from iptc_sim.behaviour.differ import differ;"
    " f = differ(read_rules(sys.argv[1]), read_rules(sys.argv[2]));"
    " print(f.verdict, len(f.classes), len(f.undecided))"
)

HEAD: Final = (
    "dump, and B",
    "verdict, classes, undecided",
    "read both",
    "and compare",
    "comparing / read both",
    "peak",
)


def reordered(text: str, seed: int = 1) -> str:
    """Return the dump with its chains in another order, and the Services in KUBE-SERVICES and KUBE-NODEPORTS."""
    random, found, lines = Random(seed), list[str](), text.splitlines(keepends=True)
    start = 0
    while start < len(lines):
        kind = lines[start][:1]
        end = start
        while end < len(lines) and lines[end][:1] == kind and kind in ":-":
            end += 1
        part = lines[start : max(end, start + 1)]
        found += _declared(part, random) if kind == ":" else _rules(part, random) if kind == "-" else part
        start += len(part)
    return "".join(found)


def _declared(lines: list[str], random: Random) -> list[str]:
    users = [line for line in lines if " - " in line]
    random.shuffle(users)
    return [*(line for line in lines if " - " not in line), *users]


def _rules(lines: list[str], random: Random) -> list[str]:
    chains: dict[str, list[str]] = {}
    for line in lines:
        chains.setdefault(line.split(" ", 2)[1], []).append(line)
    for name in {"KUBE-SERVICES", "KUBE-NODEPORTS"} & chains.keys():
        last = [line for line in chains[name] if "must be the last" in line]
        rest = [line for line in chains[name] if "must be the last" not in line]
        random.shuffle(rest)
        chains[name] = rest + last
    names = list(chains)
    random.shuffle(names)
    return [line for name in names for line in chains[name]]


def _changed(pattern: str, new: str) -> Callable[[str], str]:
    """Return what puts another value in the place of the group, half way down the dump."""

    def change(text: str) -> str:
        found = list(re.finditer(pattern, text))
        place = found[len(found) // 2]
        return f"{text[: place.start(1)]}{new}{text[place.end(1) :]}"

    return change


_CHANGES: Final[Mapping[str, Callable[[str], str]]] = {
    "the same": str,
    "reordered": reordered,
    "one endpoint": _changed(r"--to-destination (10\.\d+\.\d+\.\d+):8080", "10.250.250.250"),
    "one port": _changed(r"--to-destination \S+:(8080)", "9090"),
    "one probability": _changed(r"--probability (0\.5\d*)", "0.40000000000"),
    "one mark": _changed(r"-A KUBE-MARK-MASQ -j MARK --set-xmark (0x4000/0x4000)", "0x8000/0x8000"),
    "one Service's port": _changed(r"-A KUBE-SERVICES -d \S+ -p tcp .* cluster IP\" -m tcp --dport (80) ", "81"),
}


def rows(name: str, folder: Path) -> Iterator[Sequence[str]]:
    """Measure one dump against each of its changes."""
    one, other = write_dump(name, folder), folder / "b.save"
    for label, change in _CHANGES.items():
        other.write_text(change(one.read_text()))
        commands = {"both": python(_BOTH, one, other), "differ": python(_DIFFER, one, other)}
        found = interleaved(commands, _REPETITIONS, folder)
        pairs = zip(found["differ"].runs, found["both"].runs, strict=True)
        alone = median((whole.cpu - both.cpu) / both.cpu for whole, both in pairs)
        yield (
            f"{name}, {label}",
            found["differ"].runs[0].out.strip(),
            *(f"{found[key].cpu:.2f} s" for key in commands),
            f"{alone:.2f}x",
            f"{found['differ'].peak:.0f} MB",
        )


def main() -> None:
    """Measure the dumps that are asked for and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        found = [row for name in asked("dump", DEFAULT, ALL) for row in rows(name, Path(folder))]
    print(table(HEAD, found))  # noqa: T201


if __name__ == "__main__":
    main()
