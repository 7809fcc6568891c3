"""``-m cluster``: whether a hash of the flow falls to this node of a cluster (xt_cluster.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, both
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.matches._asked import tracked
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.value_types.hexadecimal import HEX32, HexInteger
from iptc_sim.value_types.number import Integer
from iptc_sim.values import UNKNOWN, Negatable, Odds

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

    def judge(self, at: Moment) -> Outcome:
        """Hash the source of the connection's first packet; a packet without a connection never fits."""
        from iptc_sim.wire.hashes import jenkins  # noqa: PLC0415 - what reads rules does not need it

        entry = at.connection
        if entry is None or not entry.is_tracked:
            return No(self, "local_nodemask", "the packet has no conntrack entry")
        source = entry.original.source
        if source is UNKNOWN or entry.expected:
            nodes = self.local_nodemask.value.bit_count()
            chance = Odds(nodes, self.total_nodes)
            chance = chance.complement if self.local_nodemask.negated else chance
            return Unclear(self, f"{self.option_text('local_nodemask')}: the address to hash is not known", chance)
        word = int.from_bytes(source.packed[:4], "little")  # of an IPv6 address the first 32 bits count, and no more
        node = jenkins([word], self.hash_seed) * self.total_nodes >> 32
        if bool(self.local_nodemask.value >> node & 1) != self.local_nodemask.negated:
            return YES
        return No(self, "local_nodemask", f"{source} falls to node {node + 1}")

    def constraint(self, asked: Asked) -> Constraint:
        """Say that the original source is hashed, for packets with a connection."""
        return both([tracked(asked), self.free("local_nodemask", frozenset(), self.total_nodes, self.hash_seed)])
