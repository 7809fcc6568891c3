"""How long a comparison takes, against reading one of the two dumps: ``python -m tests.bench.differ [SxE ...] [--all]``.

B is A after one change, or with its rules in another order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from tests.bench.pairs import READ, Change, changed, measure

_DIFF: Final = (
    "import sys; from iptc_sim import diff, read_rules;"
    " a, b = read_rules(sys.argv[1]), read_rules(sys.argv[2]);"
    " print(len(diff(a, b, strict=len(sys.argv) > 3).edits))"
)


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


_STRICT: Final = "reordered, order counts"
_CHANGES: Final[Mapping[str, Change]] = {
    "the same": str,
    "one port changed": changed(r"--to-destination \S+:(8080)", "9090"),
    "one chain renamed": _renamed,
    "KUBE-SERVICES reordered": _reordered,
    _STRICT: _reordered,
}

if __name__ == "__main__":
    measure(_CHANGES, _DIFF, READ, "edits", {_STRICT: ["strict"]})
