"""``-m helper``: the conntrack helper of the connection, or of the one that expected it (xt_helper.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.options import option
from iptc_sim.value_types.text import Text
from iptc_sim.values import Negatable


@extension
class Helper(Match):
    """An empty name fits any helper; longer names than the kernel's field are cut."""

    NAME = "helper"
    USES_CONNTRACK = True

    helper: Negatable[str] = option(
        Text("the name of a helper, of which 29 bytes are kept", 29), "--helper", negatable=True, required=True
    )
