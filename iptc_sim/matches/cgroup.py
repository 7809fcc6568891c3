"""``-m cgroup``: the control group of the socket (xt_cgroup.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.moment import Hook
from iptc_sim.options import Reading, option
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.text import Text
from iptc_sim.values import Negatable


@extension
class Cgroup(Match):
    """A class number of net_cls (version 1), or the path of a group (version 2)."""

    NAME = "cgroup"
    HOOKS = frozenset({Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING})

    cgroup: Negatable[int] | None = option(Integer(), "--cgroup", negatable=True)
    path: Negatable[str] | None = option(
        Text("the path of a control group, at most 511 bytes", 511, strict=True), "--path", negatable=True
    )

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none and both."""
        self.demand_one("cgroup", "path")

    def objects(self) -> tuple[tuple[str, str], ...]:
        """Name the group; the root group is always there."""
        return (("control group", self.path.value),) if self.path and self.path.value != "/" else ()
