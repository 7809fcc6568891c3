"""``-m cluster``: whether a hash of the flow falls to this node of a cluster (xt_cluster.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.value_types.hexadecimal import HEX32, HexInteger
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Negatable

#: The most nodes that a cluster may have (XT_CLUSTER_NODES_MAX).
MOST = 32


class NodeNumber(ValueType[int]):
    """``--cluster-local-node N``: bit N-1 of the mask."""

    expected = f"a number from 1 to {MOST}"

    def read(self, words: tuple[str, ...], context: Reading) -> int:
        """Return the mask."""
        return int(1 << Integer(1, MOST).read(words, context) - 1)


@extension
class Cluster(Match):
    """The nodes that this one stands for are printed as a mask.

    iptables 1.8.9 reads masks up to 32 only, though it prints larger ones itself; here those are read too.
    """

    NAME = "cluster"
    USES_CONNTRACK = True

    local_nodemask: Negatable[int] = option(
        HexInteger(digits=8, minimum=1),
        "--cluster-local-nodemask",
        negatable=True,
        required=True,
        also={"--cluster-local-node": NodeNumber()},
    )
    total_nodes: int = option(Integer(1, MOST), "--cluster-total-nodes", required=True)
    hash_seed: int = option(HEX32, "--cluster-hash-seed", required=True)

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse a node that is not in the cluster."""
        if self.local_nodemask.value >> self.total_nodes:
            raise ValueError(f"the local node is not among {self.total_nodes} nodes")
