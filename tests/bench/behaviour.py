"""How long ``diff --behaviour`` takes, against reading both dumps: ``python -m tests.bench.behaviour [SxE ...] [--all]``.

B is A with its Services and chains in another order, or after one change.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Final

from tests.bench.pairs import BOTH, Change, changed, measure

_DIFFER: Final = (
    "import sys; from iptc_sim import read_rules; from iptc_sim.behaviour.differ import differ;"
    " f = differ(read_rules(sys.argv[1]), read_rules(sys.argv[2]));"
    " print(f.verdict, len(f.classes), len(f.undecided))"
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


CHANGES: Final[Mapping[str, Change]] = {
    "the same": str,
    "reordered": reordered,
    "one endpoint": changed(r"--to-destination (10\.\d+\.\d+\.\d+):8080", "10.250.250.250"),
    "one port": changed(r"--to-destination \S+:(8080)", "9090"),
    "one probability": changed(r"--probability (0\.5\d*)", "0.40000000000"),
    "one mark": changed(r"-A KUBE-MARK-MASQ -j MARK --set-xmark (0x4000/0x4000)", "0x8000/0x8000"),
    "one Service's port": changed(r"-A KUBE-SERVICES -d \S+ -p tcp .* cluster IP\" -m tcp --dport (80) ", "81"),
}


if __name__ == "__main__":
    measure(CHANGES, _DIFFER, BOTH, "verdict, classes, undecided")
