"""What the benchmarks of comparisons share: a dump, and the same after a change; what comparing takes beside reading."""

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

#: Makes B of A.
Change = Callable[[str], str]

_REPETITIONS: Final = 3
READ: Final = "read A"
BOTH: Final = "read both"
_COMPARE: Final = "and compare"
_READING: Final = {
    READ: "import sys; from iptc_sim import read_rules; read_rules(sys.argv[1])",
    BOTH: "import sys; from iptc_sim import read_rules; read_rules(sys.argv[1]); read_rules(sys.argv[2])",
}


def changed(pattern: str, new: str) -> Change:
    """Return what puts another value in the place of the group, half way down the dump."""

    def change(text: str) -> str:
        found = list(re.finditer(pattern, text))
        place = found[len(found) // 2]
        return f"{text[: place.start(1)]}{new}{text[place.end(1) :]}"

    return change


def measure(
    changes: Mapping[str, Change], code: str, base: str, said: str, more: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Measure the dumps that are asked for against each of their changes, and print the table.

    Args:
        changes: by name.
        code: reads and compares A and B, and prints a line.
        base: what comparing alone is measured against: :data:`READ` or :data:`BOTH`.
        said: what is in that line.
        more: further arguments for the code, by the name of the change.
    """
    reading = {title: _READING[title] for title in dict.fromkeys((base, BOTH))}

    def rows(name: str, folder: Path) -> Iterator[Sequence[str]]:
        one, other = write_dump(name, folder), folder / "b.save"
        for label, change in changes.items():
            other.write_text(change(one.read_text()))
            commands = {title: python(text, one, other) for title, text in reading.items()}
            commands[_COMPARE] = python(code, one, other, *(more or {}).get(label, ()))
            found = interleaved(commands, _REPETITIONS, folder)
            whole = found[_COMPARE].runs
            alone = median(
                (all_.cpu - both.cpu) / against.cpu
                for all_, both, against in zip(whole, found[BOTH].runs, found[base].runs, strict=True)
            )
            spent = [f"{found[title].cpu:.2f} s" for title in commands]
            yield f"{name}, {label}", whole[0].out.strip(), *spent, f"{alone:.2f}x", f"{found[_COMPARE].peak:.0f} MB"

    with tempfile.TemporaryDirectory() as folder:
        done = [row for name in asked("dump", DEFAULT, ALL) for row in rows(name, Path(folder))]
    print(table(("dump, and B", said, *reading, _COMPARE, f"comparing / {base}", "peak"), done))  # noqa: T201
