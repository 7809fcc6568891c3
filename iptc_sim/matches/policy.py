"""``-m policy``: the IPsec policy that a packet came in by, or goes out by (xt_policy.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field, Free, both
from iptc_sim.extension import Placement, extension, misplaced
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.matches._asked import ENDS
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import Reading, ValueType, declared_options, element, elements, flag, option
from iptc_sim.protocols import protocol_name, protocol_number
from iptc_sim.value_types.choice import Choice
from iptc_sim.value_types.hexadecimal import HEX
from iptc_sim.value_types.host import HOST_NETWORK, HostNetwork
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Negatable

#: The kernel's structure has this many elements (XT_POLICY_MAX_ELEM).
MOST = 4
_PROTOCOLS = ("esp", "ah", "ipcomp")
#: What a tunnel with ends may be called.
_OF_A_TUNNEL = (Negatable("tunnel"), Negatable("transport", negated=True))
_HOOKS = {
    "in": frozenset({Hook.PREROUTING, Hook.INPUT, Hook.FORWARD}),
    "out": frozenset({Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING}),
}


class TransformType(ValueType[str]):
    """The protocol of IPsec by name or number."""

    expected = "one of " + ", ".join(_PROTOCOLS)

    def read(self, words: tuple[str, ...], context: Reading) -> str:  # noqa: ARG002 - the interface
        """Return its name."""
        name = protocol_name(protocol_number(words[0])) if words[0] == words[0].lower() else ""
        if name not in _PROTOCOLS:
            raise ValueError(f"{words[0] or 'an empty word'} is not a protocol of IPsec")
        return name


@element
class PolicyElement:
    """One transformation of the packet."""

    reqid: Negatable[int] | None = option(Integer(), "--reqid", negatable=True)
    spi: Negatable[int] | None = option(HEX, "--spi", negatable=True)
    proto: Negatable[str] | None = option(TransformType(), "--proto", negatable=True)
    mode: Negatable[str] | None = option(Choice(("transport", "tunnel")), "--mode", negatable=True)
    tunnel_dst: Negatable[HostNetwork] | None = option(HOST_NETWORK, "--tunnel-dst", negatable=True)
    tunnel_src: Negatable[HostNetwork] | None = option(HOST_NETWORK, "--tunnel-src", negatable=True)

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing."""
        return all(getattr(self, declared.field) is None for declared in declared_options(type(self)))


@extension
class Policy(Match):
    """The elements must be those of the policy one by one if ``--strict`` is given; else any of its own may fit."""

    NAME = "policy"

    direction: str = option(Choice(("in", "out")), "--dir", required=True)
    policy: str = option(Choice(("ipsec", "none")), "--pol", default="ipsec")
    strict: bool = flag("--strict")
    elements: tuple[PolicyElement, ...] = elements(PolicyElement, "--next")

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Forget what the policy should be where there should be none: it is neither looked at nor printed."""
        given = fields.get("elements", ())
        if fields["policy"] == "none" and isinstance(given, tuple) and len(given) == 1:
            fields["elements"] = ()

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse several elements without ``--strict``, empty ones with it, and the ends of a tunnel that is none."""
        if self.strict and self.policy == "none":
            raise ValueError("--pol none excludes --strict")
        if len(self.elements) > 1 and not self.strict:
            raise ValueError("--next needs --strict")
        if len(self.elements) > MOST:
            raise ValueError(f"it lists {len(self.elements)} elements, at most {MOST} fit")
        if self.strict and (not self.elements or any(item.is_empty for item in self.elements)):
            raise ValueError("with --strict every element needs a condition")
        for item in self.elements:
            if (item.tunnel_src or item.tunnel_dst) and item.mode not in _OF_A_TUNNEL:
                raise ValueError("--tunnel-src and --tunnel-dst need --mode tunnel")

    def refusal(self, place: Placement) -> str:
        """Before routing there is no policy for the way out, and behind it none for the way in."""
        return misplaced(f"--dir {self.direction}", place, _HOOKS[self.direction]) or Match.refusal(self, place)

    def judge(self, at: Moment) -> Outcome:
        """Take a node whose interfaces and routes are known for one without IPsec: ``ip xfrm policy`` is not asked."""
        if not at.node.known:
            return Unclear(self, f"--dir {self.direction} --pol {self.policy}: the IPsec policies are not known")
        return YES if self.policy == "none" else No(self, "policy", "the node has no IPsec policies")

    def constraint(self, asked: Asked) -> Constraint:
        """Ask for a policy, which on the way out the route has; ``none`` is that there is not any."""
        reads = frozenset() if self.direction == "in" else ENDS | {Field.OUT_INTERFACE, Field.MARK}
        if self.policy == "none":
            return Free((self.NAME, self.direction), reads, negated=True)
        some = Free((self.NAME, self.direction), reads)
        return both([some, Free(self.question(asked), reads)]) if self.elements else some
