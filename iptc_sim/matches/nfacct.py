"""``-m nfacct``: count into a named accounting object (xt_nfacct.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Own
from iptc_sim.extension import extension
from iptc_sim.match import Match, Outcome, Unclear
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.value_types.text import Text
from iptc_sim.values import Variant


@extension
class Nfacct(Match):
    """The object must exist in the kernel before the rule is loaded; a dump does not say whether it does."""

    NAME = "nfacct"

    object_name: str = option(
        Text("the name of an accounting object, at most 31 bytes", 31, strict=True, least=1),
        "--nfacct-name",
        required=True,
    )

    def printed(self, variant: Variant = Variant.NFT) -> tuple[str, ...]:
        """Return the option as iptables 1.8.9 prints it, with two blanks in front of the name."""
        option_name, name = self.words(variant)
        return f"{option_name} ", name

    def objects(self) -> tuple[tuple[str, str], ...]:
        """Name the accounting object."""
        return (("nfacct", self.object_name),)

    def judge(self, at: Moment) -> Outcome:  # noqa: ARG002 - the interface
        """Say what would have to be known."""
        return Unclear(self, "whether the accounting object has a quota, and how much of it is left, is not known")

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Say which object is asked, which counts for all rules that name it."""
        return Own((self.NAME, self.object_name), shared=True)
