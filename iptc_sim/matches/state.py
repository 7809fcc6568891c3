"""``-m state``: the older spelling of ``-m conntrack --ctstate`` (xt_conntrack.c serves both)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, opposite
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, Outcome
from iptc_sim.matches._asked import state_in
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.tracking import State as ConnectionState
from iptc_sim.value_types.short_names import ShortNameList
from iptc_sim.values import Names, Negatable

STATES = ("INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED")


@extension
class State(Match):
    """The packet's state; a rule with it switches conntrack on."""

    NAME = "state"
    USES_CONNTRACK = True

    state: Negatable[Names] = option(ShortNameList(STATES), "--state", negatable=True, required=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare the state; before conntrack has seen the packet (raw), it counts as INVALID."""
        actual = at.connection.state if at.connection else ConnectionState.INVALID
        return self.test("state", str(actual), "state") or YES

    def constraint(self, asked: Asked) -> Constraint:
        """Return the test of the state."""
        fits = state_in(asked, self.state.value.names)
        return opposite(fits) if self.state.negated else fits
