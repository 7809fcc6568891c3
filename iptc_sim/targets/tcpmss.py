"""``-j TCPMSS``: change the maximum segment size in a SYN packet (xt_TCPMSS.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Field
from iptc_sim.extension import Extension, Placement, extension, misplaced
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import Reading, flag, option
from iptc_sim.packet import Packet
from iptc_sim.protocols import TCP
from iptc_sim.target import Action, Alter, Change, Continue, Deed, Drop, Either, Target, unchanged
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

    def act(self, at: Moment) -> Action:
        """Lower the option, or add it where it is not there and the packet has no payload; then go on."""
        from iptc_sim.wire.headers import MSS, tcp_options  # noqa: PLC0415 - what reads rules does not need it
        from iptc_sim.wire.packets import datagram_of  # noqa: PLC0415 - likewise

        datagram = datagram_of(at.packet)
        if datagram is not None and datagram.offset:
            return Continue("it is a later fragment")
        options = None if datagram is None else datagram.tcp_options
        if datagram is None or options is None:
            return Drop()
        for kind, place, length in tcp_options(options):
            if kind == MSS and length == 4 and place + 4 <= len(options):
                return self._lowered(at.packet, datagram.transport, 20 + place + 2)
        header = 20 + len(options)
        if len(datagram.transport) > header or header >= 60:
            return Continue("no room for the MSS option")
        # What a host assumes that is told nothing (RFC 9293, 3.7.1); no path that IP allows is narrower.
        usual = 536 if datagram.family is Family.IPV4 else 1220
        value = usual if self.set_mss is None else min(self.set_mss, usual)
        segment = bytearray(datagram.transport)
        segment[20:20] = bytes((MSS, 4)) + value.to_bytes(2)
        segment[12] += 0x10
        return _changed(at.packet, bytes(segment), f"MSS {value} added")

    def deed(self, asked: Asked) -> Deed:
        """Lower the option, or add it, which makes the packet longer."""
        return Change(
            f"-j TCPMSS {' '.join(self.words(asked.variant))}",
            frozenset({Field.LENGTH}),
            (self.name, *self.words(asked.variant)),
        )

    def _lowered(self, packet: Packet, segment: bytes, place: int) -> Action:
        before = int.from_bytes(segment[place : place + 2])
        if self.set_mss is None:
            narrow = "the path takes no segment that large"
            return Either(
                (
                    (f"the path takes segments of {before} bytes", Continue("the MSS stays")),
                    (narrow, unchanged(self.NAME, narrow)),
                )
            )
        if before <= self.set_mss:
            return Continue(f"the MSS stays {before}, which is not above {self.set_mss}")
        changed = segment[:place] + self.set_mss.to_bytes(2) + segment[place + 2 :]
        return _changed(packet, changed, f"MSS {before} => {self.set_mss}")


def _changed(packet: Packet, segment: bytes, note: str) -> Action:
    from iptc_sim.wire.packets import with_transport  # noqa: PLC0415 - what reads rules does not need it

    return Alter(note, with_transport(packet, segment))
