"""How long a comparison takes, against reading one of the two dumps: ``python -m tests.bench.differ [SxE ...] [--all]``.

B is A after one change, or with its rules in another order.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from tests.bench.measure import asked, interleaved, python, table
from tests.bench.reading import write_dump

DEFAULT: Final = ("5000x5",)
ALL: Final = (*DEFAULT, "30000x5")

_REPETITIONS: Final = 3

_READ: Final = "import sys; from iptc_sim import read_rules; read_rules(sys.argv[1])"
_BOTH: Final = "import sys; from iptc_sim import read_rules; read_rules(sys.argv[1]); read_rules(sys.argv[2])"
_DIFF: Final = (
    "import sys; from iptc_sim import diff, read_rules;"
    " a, b = read_rules(sys.argv[1]), read_rules(sys.argv[2]);"
    " print(len(diff(a, b, strict=len(sys.argv) > 3).edits))"
)

HEAD: Final = ("dump, and B", "edits", "read A", "read both", "and compare", "comparing / read A", "peak")


def _changed(text: str) -> str:
    """Return the dump with another port in the rule of one endpoint, half way down."""
    found = list(re.finditer(r"--to-destination \S+:(8080)", text))
    place = found[len(found) // 2]
    return f"{text[: place.start(1)]}9090{text[place.end(1) :]}"


def _renamed(text: str) -> str:
    """Return the dump with one chain of an endpoint under another name."""
    found = re.findall(r"^:(KUBE-SEP-\S+)", text, re.MULTILINE)
    return text.replace(found[len(found) // 2], "RENAMED")


def _reordered(text: str) -> str:
    """Return the dump with the rules of KUBE-SERVICES from the last to the first, but for the one that must be last."""
    lines = text.splitlines(keepends=True)
    places = [place for place, line in enumerate(lines) if line.startswith("-A KUBE-SERVICES -d ")]
    nat = places[-sum(1 for place in places if place > lines.index("*nat\n")) :]
    for place, line in zip(nat, [lines[place] for place in reversed(nat)], strict=True):
        lines[place] = line
    return "".join(lines)


_CHANGES: Final[Mapping[str, tuple[Callable[[str], str], tuple[str, ...]]]] = {
    "the same": (str, ()),
    "one port changed": (_changed, ()),
    "one chain renamed": (_renamed, ()),
    "KUBE-SERVICES reordered": (_reordered, ()),
    "reordered, order counts": (_reordered, ("strict",)),
}


def rows(name: str, folder: Path) -> Iterator[Sequence[str]]:
    """Measure one dump against each of its changes."""
    one, other = write_dump(name, folder), folder / "b.save"
    for label, (change, more) in _CHANGES.items():
        other.write_text(change(one.read_text()))
        commands = {
            "read": python(_READ, one),
            "both": python(_BOTH, one, other),
            "compare": python(_DIFF, one, other, *more),
        }
        found = interleaved(commands, _REPETITIONS, folder)
        alone = median(
            (all_.cpu - both.cpu) / read.cpu
            for all_, both, read in zip(*(found[key].runs for key in ("compare", "both", "read")), strict=True)
        )
        yield (
            f"{name}, {label}",
            found["compare"].runs[0].out.strip(),
            *(f"{found[key].cpu:.2f} s" for key in commands),
            f"{alone:.2f}x",
            f"{found['compare'].peak:.0f} MB",
        )


def main() -> None:
    """Measure the dumps that are asked for and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        found = [row for name in asked("dump", DEFAULT, ALL) for row in rows(name, Path(folder))]
    print(table(HEAD, found))  # noqa: T201


if __name__ == "__main__":
    main()
