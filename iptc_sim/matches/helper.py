"""``-m helper``: the conntrack helper of the connection, or of the one that expected it (xt_helper.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Free, both, opposite
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.matches._asked import tracked
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.remembered.own_state import is_told
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

    def judge(self, at: Moment) -> Outcome:
        """Only a connection that another one's helper has foreseen fits; ``!`` fits all others."""
        entry = at.connection
        label = self.option_text("helper")
        if entry is not None and entry.is_tracked and (entry.expected or not is_told(entry)):
            if not entry.helper:
                return Unclear(self, f"{label}: the helper that foresaw the connection is not known")
            has = entry.helper.startswith(self.helper.value)
            found = f"it is {entry.helper}"
        else:
            has, found = False, "no helper has foreseen the connection"
        return YES if has != self.helper.negated else No(self, "helper", found)

    def constraint(self, asked: Asked) -> Constraint:
        """Ask for the helper of a packet with a connection; without one there is none."""
        has = both([tracked(asked), Free((self.NAME, self.helper.value))])
        return opposite(has) if self.helper.negated else has
