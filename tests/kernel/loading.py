"""Whole restore texts compared at length: ``python -m tests.kernel.loading [COUNT] [SEED] [nft|legacy]`` (root)."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from iptc_sim.kernel.namespace import Namespace
from iptc_sim.syntax import examine
from iptc_sim.syntax.write import write_save
from iptc_sim.values import Family, Variant
from tests.kernel.loading_cases import DrawnText

_LINE: Final = re.compile(r"line:? (\d+)")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What becomes of a text.

    Args:
        saved: what is there then, without comments; empty where the text is refused.
        line: that is named; 0 where the text is taken.
        why: in words.
    """

    saved: str
    line: int = 0
    why: str = ""

    def agrees(self, other: Loaded) -> bool:
        """Whether both say the same; the words may differ."""
        return (self.saved, self.line) == (other.saved, other.line)


def by_iptables(text: str, variant: Variant) -> Loaded:
    """Load a text in a namespace of its own."""
    namespace = Namespace()
    try:
        done = namespace.call(lambda: _run([f"iptables-{variant}-restore"], text))
        if done.returncode < 0:
            return Loaded("", -1, f"killed by signal {-done.returncode}")
        if done.returncode:
            found = _LINE.search(done.stderr)
            return Loaded("", int(found[1]) if found else -1, done.stderr)
        lines = namespace.call(lambda: _run([f"iptables-{variant}-save"])).stdout.splitlines()
        return Loaded("".join(f"{line}\n" for line in lines if not line.startswith("#")))
    finally:
        namespace.close()


def _run(argv: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"XTABLES_LOCKFILE": "/dev/null", "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    return subprocess.run(argv, input=text, capture_output=True, text=True, timeout=20, check=False, env=environment)


def by_us(text: str, variant: Variant) -> Loaded:
    """Read and write a text."""
    found = examine(text, family=Family.IPV4, strict=True, variant=variant)
    if not found.errors:
        return Loaded(write_save(found.ruleset, variant=variant))
    first = found.errors[0]
    return Loaded("", first.reported_line or (first.span.line if first.span else 0), first.message)


def difference(seed: int, variant: Variant) -> tuple[str, bool]:
    """Compare one drawn text; return what differs, empty for nothing, and whether iptables takes it."""
    found, is_taken = compared(DrawnText(seed, variant).text(), variant)
    return found and f"seed {seed} {found}", is_taken


def compared(text: str, variant: Variant) -> tuple[str, bool]:
    """Compare one text; return what differs, empty for nothing, and whether iptables takes it."""
    theirs, ours = by_iptables(text, variant), by_us(text, variant)
    if theirs.agrees(ours):
        return "", not theirs.line
    numbered = "".join(f"{number:3} {line}\n" for number, line in enumerate(text.splitlines(), 1))
    told = "\n".join(
        f"{who}: line {found.line} {found.why}\n{found.saved}" for who, found in (("iptables", theirs), ("ours", ours))
    )
    return f"{variant}\n{numbered}{told}", not theirs.line


def main() -> None:
    """Compare, print what differs and the totals."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    variant = Variant(sys.argv[3]) if len(sys.argv) > 3 else Variant.NFT
    taken = differences = 0
    for seed in range(first, first + count):
        found, is_taken = difference(seed, variant)
        taken += is_taken
        if found:
            differences += 1
            print(found, flush=True)  # noqa: T201
    print(f"{variant}: {count} texts, {taken} taken by iptables, {differences} differences")  # noqa: T201
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
