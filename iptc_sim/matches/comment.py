"""``-m comment``: a remark, always fits (xt_comment.c)."""

from __future__ import annotations

from iptc_sim.constraint import ALWAYS, Asked, Constraint
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, Outcome
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.value_types.text import Text


@extension
class Comment(Match):
    """A text of up to 255 bytes (``XT_MAX_COMMENT_LEN``); what is longer is cut."""

    NAME = "comment"

    comment: str = option(Text("a text", 255), "--comment", required=True)

    def judge(self, at: Moment) -> Outcome:  # noqa: ARG002 - the interface
        """Fit every packet."""
        return YES

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Fit every packet."""
        return ALWAYS
