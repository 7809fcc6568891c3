"""The random comparison at length: ``python -m tests.kernel.fuzz FIRST LAST [nft|legacy]`` (root; seeds from FIRST on)."""

from __future__ import annotations

import sys

from iptc_sim.api import trace
from iptc_sim.kernel import Lab
from iptc_sim.node import Node
from iptc_sim.syntax import parse
from tests.kernel.random_rules import RandomRules
from tests.kernel.scenario import ROUTER, ROUTER_ROUTES
from tests.kernel.test_simulator import agrees, kernel_hits, simulated_hits

NODE = Node.of({name: list(addresses) for name, addresses in ROUTER.items()}, ROUTER_ROUTES)
PACKETS = 6


def divergences(lab: Lab, seed: int, variant: str) -> list[str]:
    """Send the packets of one seed through its ruleset, in the kernel and here; return what differs."""
    drawn = RandomRules(seed)
    rules = drawn.ruleset()
    lab.load(rules, variant=variant)
    ruleset = parse(rules)
    found = []
    for number in range(PACKETS):
        packet = drawn.packet(20000 + 100 * number + seed % 100)
        ours = trace(ruleset, packet, NODE, as_is=True)
        seen = lab.inject(packet, conntrack=False)
        if not any(agrees(ours, end, seen) for end in ours.ends):
            hits = [simulated_hits(ours, end) for end in ours.ends]
            found.append(f"seed {seed}: {packet}\n{rules}simulator {hits}\nkernel    {kernel_hits(seen)}")
    return found


def main() -> None:
    """Compare a range of seeds and print the totals."""
    first, last = int(sys.argv[1]), int(sys.argv[2])
    variant = sys.argv[3] if len(sys.argv) > 3 else "nft"
    wrong: list[str] = []
    with Lab(ROUTER, ROUTER_ROUTES, reader="netlink") as lab:
        for seed in range(first, last):
            wrong += divergences(lab, seed, variant)
    for text in wrong[:5]:
        print(text)  # noqa: T201
    print(f"{variant}: {last - first} rulesets, {PACKETS * (last - first)} packets, {len(wrong)} divergences")  # noqa: T201
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
