"""``-m quota``: fits until so many bytes have passed the rule (xt_quota.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.options import option
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Negatable


@extension
class Quota(Match):
    """What is left of the quota lives in the kernel; a dump shows the number that the rule began with."""

    NAME = "quota"

    quota: Negatable[int] = option(Integer(0, 2**64 - 1), "--quota", negatable=True, required=True)
