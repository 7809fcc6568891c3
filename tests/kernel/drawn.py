"""Drawn rules at length: ``python -m tests.kernel.drawn [COUNT] [SEED] [nft|legacy]`` (root; COUNT rules of both families)."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from iptc_sim.values import Family, Variant
from tests.drawn.judge import Tally, table
from tests.drawn.rules import Drawn, draw_rules, extensions

#: Rules that are loaded together: iptables-nft reads back all it has loaded.
BATCH = 200


def batches(count: int, seed: int) -> Iterator[tuple[Family, list[Drawn]]]:
    """Give about ``count`` rules in batches, the same number for each extension of each family."""
    every = -(-count // sum(len(extensions(family)) for family in Family))
    for family in Family:
        batch: list[Drawn] = []
        for extension in extensions(family):
            batch += draw_rules(extension, family, every, seed)
            while len(batch) >= BATCH:
                yield family, batch[:BATCH]
                del batch[:BATCH]
        if batch:
            yield family, batch


def main() -> None:
    """Compare, print what differs, and how often each extension was there."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    variant = Variant(sys.argv[3]) if len(sys.argv) > 3 else Variant.NFT
    tally = Tally()
    for family, batch in batches(count, seed):
        known, dumps = len(tally.differences), len(tally.dumps)
        tally.compare(family, variant, batch)
        for difference in [*tally.differences[known:], *tally.dumps[dumps:]]:
            print(difference, flush=True)  # noqa: T201
    print("\n".join(table(tally.counts)))  # noqa: T201
    total = tally.accepted + tally.refused
    print(f"{variant}: {total} rules, {tally.accepted} taken by iptables, {tally.refused} refused,", end=" ")  # noqa: T201
    print(f"{tally.changed} printed as other rules, {len(tally.differences)} differences")  # noqa: T201
    sys.exit(bool(tally.differences))


if __name__ == "__main__":
    main()
