"""``-m connmark``: the mark of the connection (xt_connmark.c, connmark_mt)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.options import option
from iptc_sim.value_types.mark import MARK
from iptc_sim.values import MaskedMark, Negatable


@extension
class Connmark(Match):
    """Compares as ``-m mark`` does; a packet without a connection never fits."""

    NAME = "connmark"
    USES_CONNTRACK = True

    mark: Negatable[MaskedMark] = option(MARK, "--mark", negatable=True, required=True)
