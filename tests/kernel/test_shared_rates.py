"""Rules of hashlimit with one name: the one that is loaded first says how all of them count."""

from __future__ import annotations

from itertools import count

import pytest

from iptc_sim.connection import Flow
from iptc_sim.node import Node
from iptc_sim.syntax import parse
from iptc_sim.values import Variant
from iptc_sim.verify.compare import Divergence
from iptc_sim.verify.run import verify_flows
from tests.kernel.scenario import ROUTER, ROUTER_ROUTES, table, udp

pytestmark = pytest.mark.kernel

#: The kernel keeps a table as long as a rule of some ruleset names it, so that every test has its own.
_NUMBERS = count(1)


def _limit(how: str, burst: int, more: str = "", mode: str = "srcip") -> str:
    rate = f"--hashlimit-{how} 1/hour --hashlimit-burst {burst} --hashlimit-mode {mode}"
    return f"-m hashlimit {rate} {more} --hashlimit-name NAME".replace("  ", " ")


CASES = {
    "a small burst first": table("mangle", f"-A PREROUTING {_limit('upto', 1)}", f"-A FORWARD {_limit('upto', 3)}"),
    "a large burst first": table("mangle", f"-A PREROUTING {_limit('upto', 3)}", f"-A FORWARD {_limit('upto', 1)}"),
    "each says for itself on which side it fits": table(
        "mangle", f"-A PREROUTING {_limit('upto', 2)}", f"-A FORWARD {_limit('above', 4)}"
    ),
    "the order of lines and that of chains": table(
        "mangle", f"-A FORWARD {_limit('upto', 3)}", f"-A PREROUTING {_limit('upto', 1)}"
    ),
    "chains of the user": table(
        "mangle", ":zz - [0:0]", ":aa - [0:0]", f"-A zz {_limit('upto', 3)}", f"-A aa {_limit('upto', 1)}",
        "-A PREROUTING -j zz", "-A FORWARD -j aa",
    ),
    "the order of tables": table("filter", f"-A FORWARD {_limit('upto', 3)}")
    + table("mangle", f"-A PREROUTING {_limit('upto', 1)}"),
    "what is told apart": table(
        "mangle", f"-A PREROUTING {_limit('upto', 2, mode='dstip')}", f"-A FORWARD {_limit('upto', 2)}"
    ),
    "masks": table(
        "mangle", f"-A PREROUTING {_limit('upto', 2, '--hashlimit-srcmask 24')}", f"-A FORWARD {_limit('upto', 2)}"
    ),
    "bytes and packets": table(
        "mangle",
        "-A PREROUTING -m hashlimit --hashlimit-upto 1kb/s --hashlimit-mode srcip --hashlimit-name NAME",
        f"-A FORWARD {_limit('upto', 2)}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("rules", CASES.values(), ids=CASES.keys())
def test_the_first_one_loaded_makes_the_table(variant: str, rules: str) -> None:
    rules = rules.replace("NAME", f"shared{next(_NUMBERS)}{variant}")
    packets = [Flow(udp(f"10.0.0.{5 + number % 2}:7", "198.51.100.7:80", "eth1")) for number in range(10)]
    node = Node.of(ROUTER, ROUTER_ROUTES)
    for number, (_, found) in enumerate(verify_flows(parse(rules), rules, packets, node, variant=Variant(variant))):
        assert not isinstance(found, Divergence), f"packet {number}: {found.difference}"
