"""Rules that lint says do nothing are taken out, one by one: no drawn packet is treated otherwise by the simulator.

``IPTC_REMOVED=300`` takes that many rulesets; the suite takes 8.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import Final

from iptc_sim.api import odds
from iptc_sim.connection import Flow
from iptc_sim.diagnostics import UsageError
from iptc_sim.engine.conntrack import conntrack_in_use
from iptc_sim.lint import lint
from iptc_sim.node import Node
from iptc_sim.records import replace
from iptc_sim.ruleset import BUILTIN_CHAINS, Rule, Ruleset
from iptc_sim.values import Family
from iptc_sim.verify.generator import draw_case
from tests.kernel.test_unreachable import shadowing

CASES: Final = int(os.environ.get("IPTC_REMOVED", "8"))
PACKETS: Final = 25
CODES: Final = frozenset({"IPT100", "IPT101", "IPT102", "IPT103", "IPT104", "IPT105", "IPT112"})


def without(ruleset: Ruleset, table_name: str, chain_name: str, number: int) -> Ruleset:
    """Take a rule out."""
    table = ruleset.tables[table_name]
    chain = table.chains[chain_name]
    rules: list[Rule] = list(chain.rules)
    del rules[number - 1]
    chains = {**table.chains, chain_name: replace(chain, rules=tuple(rules))}
    return replace(ruleset, tables={**ruleset.tables, table_name: replace(table, chains=chains)})


def first_difference(ruleset: Ruleset, smaller: Ruleset, flows: list[Flow], node: Node) -> Flow | None:
    """Return the first packet that is treated otherwise by the smaller rules."""
    for flow in flows:
        try:
            if odds(ruleset, flow, node) != odds(smaller, flow, node):
                return flow
        except UsageError:
            continue  # too many branches
    return None


def test_what_does_nothing_may_go() -> None:
    tried: Counter[str] = Counter()
    others = 0
    for seed in range(CASES):
        case = shadowing(draw_case(f"removing/{seed}", Family.IPV6 if seed % 3 == 2 else Family.IPV4), seed)
        case.packets._fragments = 0
        flows = [case.packets.next() for _ in range(PACKETS)]
        ruleset, node = case.ruleset, case.topology.node
        draw = random.Random(seed)
        found = lint(ruleset, codes=CODES)
        for finding in draw.sample(found, min(6, len(found))):
            assert finding.spot is not None
            spot = finding.spot
            smaller = without(ruleset, spot.table, spot.chain, spot.number)
            if conntrack_in_use(smaller) != conntrack_in_use(ruleset):
                continue  # the last rule that asks for connections switches them on for all
            tried[finding.code] += 1
            flow = first_difference(ruleset, smaller, flows, node)
            assert flow is None, f"{case.seed} {finding.diagnostic.message}\n{flow}\n{case.text}"
        hooks = [(table.name, str(hook)) for table in ruleset.tables.values() for hook in BUILTIN_CHAINS[table.name]]
        table_name, chain_name = draw.choice([place for place in hooks if (got := ruleset.chain(*place)) and got.rules])
        others += first_difference(ruleset, without(ruleset, table_name, chain_name, 1), flows, node) is not None
    assert len(tried) > 3, tried
    assert others, "to take out other rules changes something"
