"""``-j TCPMSS``: change the maximum segment size in a SYN packet (xt_TCPMSS.c)."""

from __future__ import annotations

from iptc_sim.extension import Extension, Placement, extension, misplaced
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import Reading, flag, option
from iptc_sim.protocols import TCP
from iptc_sim.target import Action, Continue, Target
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Family, Variant


class SegmentSizeType(Integer):
    """What fits in a packet of 65535 bytes behind the IP header."""

    def read(self, words: tuple[str, ...], context: Reading) -> int:
        """Return the size."""
        header = 20 if context.family is Family.IPV4 else 40
        return Integer(0, 65535 - header).read(words, context)


def _asks_syn(match: Extension) -> bool:
    """Whether SYN must be on for the match to fit (find_syn_match)."""
    flags = getattr(match, "flags", None) if match.name == "tcp" else None
    return flags is not None and not flags.negated and "SYN" in flags.value.set


@extension
class TcpmssTarget(Target):
    """Where both options are given, the later one counts: they share one number in the kernel's structure."""

    NAME = "TCPMSS"
    PROTOCOLS = frozenset({TCP})

    set_mss: int | None = option(SegmentSizeType(0, 65515), "--set-mss")
    clamp_to_pmtu: bool = flag("--clamp-mss-to-pmtu")

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Keep the later option; the fields stand in the order of the line."""
        if "set_mss" in fields and fields.get("clamp_to_pmtu"):
            del fields[next(name for name in fields if name in {"set_mss", "clamp_to_pmtu"})]

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse nothing to do."""
        if self.set_mss is None and not self.clamp_to_pmtu:
            raise ValueError("-j TCPMSS needs --set-mss or --clamp-mss-to-pmtu")

    def refusal(self, place: Placement) -> str:
        """The path is known from routing on; and the old interface wants the rule to look for SYN packets itself."""
        if self.clamp_to_pmtu:
            hooks = frozenset({Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING})
            wrong = misplaced("--clamp-mss-to-pmtu", place, hooks)
            if wrong:
                return wrong
        if place.variant is Variant.LEGACY and not any(_asks_syn(match) for match in place.matches):
            return "TCPMSS needs --tcp-flags with SYN among the flags that are on"
        return Target.refusal(self, place)

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Change the option and go on."""
        return Continue("MSS clamped to the path MTU" if self.set_mss is None else f"MSS set to {self.set_mss}")
