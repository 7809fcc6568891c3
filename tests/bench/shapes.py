"""The worst case for the stored shapes, a dump in which no two lines are alike: ``python -m tests.bench.shapes``.

Compared with the same reader when Lark judges every line. The rules are drawn from the options that the extensions
declare; a line stays if its shape is new and iptables takes it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from iptc_sim import Family, examine
from iptc_sim.extension import Extension
from iptc_sim.syntax.shapes import ShapeCache, shape_of
from tests.bench.measure import interleaved, python, run, table
from tests.drawn.rules import LOOSE, NEXT, Drawn, draw_rules, extensions

COUNT: Final = 5000
_READ: Final = "import sys; from iptc_sim import read_rules; from iptc_sim.syntax import shapes; "
_CALL: Final = "read_rules(sys.argv[1])"
_PLAIN: Final = "shapes.MAX_SHAPES = 0; shapes.parse_words = lambda *args, **kwargs: None; "


def dump(rules: int = COUNT) -> str:
    """Return a dump with so many rules, no two of one shape; always the same one for the same declarations."""
    tables: dict[str, list[str]] = {}
    drawn = _new_shapes()
    for _ in range(rules):
        rule = next(drawn)
        tables.setdefault(rule.table, []).append(rule.line)
    parts = [
        f"*{name}\n:{LOOSE} - [0:0]\n:{NEXT} - [0:0]\n" + "".join(f"{line}\n" for line in lines) + "COMMIT\n"
        for name, lines in tables.items()
    ]
    return "".join(parts)


def _new_shapes() -> Iterator[Drawn]:
    """Draw rules; yield those of shapes that were not there before and that can be read."""
    seen: set[tuple[str, ...]] = set()
    split = ShapeCache(Family.IPV4)._split
    own = {item.NAME for item in extensions(Family.IPV4) if item.objects is not Extension.objects}  # of the machine
    for seed in count():
        for extension in extensions(Family.IPV4):
            for rule in draw_rules(extension, Family.IPV4, 4, seed):
                key = shape_of(split(rule.line))
                if rule.loads and not own.intersection(rule.names) and key not in seen and _is_taken(rule):
                    seen.add(key)
                    yield rule


def _is_taken(rule: Drawn) -> bool:
    text = f"*{rule.table}\n:{LOOSE} - [0:0]\n:{NEXT} - [0:0]\n{rule.line}\nCOMMIT\n"
    return not examine(text, family=Family.IPV4, strict=True).errors


def main() -> None:
    """Measure and print the table; ``--print`` prints the dump instead."""
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(dump())
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = folder / "shapes.save"
        path.write_text(run([sys.executable, "-m", "tests.bench.shapes", "--print"], folder).out)
        commands = {
            "as it is": python(_READ + _CALL, path),
            "Lark for every line": python(_READ + _PLAIN + _CALL, path),
        }
        found = interleaved(commands, 5, folder)
    plain = found["Lark for every line"]
    rows = [
        [title, f"{series.cpu:.2f} s", f"{series.ratio(plain):.2f}x", f"{series.peak:.0f} MB"]
        for title, series in found.items()
    ]
    print(table([f"{COUNT:,} rules of {COUNT:,} shapes", "CPU", "of Lark", "peak"], rows))  # noqa: T201


if __name__ == "__main__":
    main()
