"""What a comparison of behaviours answers."""

from __future__ import annotations

from enum import StrEnum

from iptc_sim.connection import Flow
from iptc_sim.node import Node
from iptc_sim.records import dataclass, field
from iptc_sim.ruleset import Ruleset
from iptc_sim.steps import Fate, Trace
from iptc_sim.values import Odds


class Verdict(StrEnum):
    """The answer in a word.

    EQUIVALENT is only said where it is proven, DIFFERENT only where two traces of one packet show it.
    """

    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


class Kind(StrEnum):
    """In what two rulesets differ for some packets.

    ROUNDING stands where the odds of the same ends differ by no more than the draws of the kernel are coarse: by 2^-31
    for each draw.
    """

    FATE = "fate"
    REJECT = "reject code"
    DESTINATION = "destination"
    ODDS = "odds"
    ROUNDING = "rounding"
    MASQUERADE = "masquerade"
    MARK = "mark"
    ALTERATIONS = "alterations"


@dataclass(frozen=True, slots=True)
class Ending:
    """One way in which a packet may end, as far as it counts.

    What was changed on a packet that is dropped or rejected does not count.

    Args:
        fate: what becomes of it.
        code: ``--reject-with`` of a reject.
        destination: where it goes, with the port.
        source: where it comes from then, with the port; empty where that was not rewritten.
        mark: that it leaves with.
        out_interface: by which it leaves; empty for none.
        alterations: what else was changed, in words.
    """

    fate: Fate
    code: str = ""
    destination: str = ""
    source: str = ""
    mark: int = 0
    out_interface: str = ""
    alterations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """An ending with its exact odds; None where it hangs on something without odds."""

    ending: Ending
    odds: Odds | None


@dataclass(frozen=True, slots=True)
class Condition:
    """What packets of a class have in common.

    Args:
        field: what is told: ``destination``, ``tcp flags``, ``ctstate``.
        text: its values, in the words of rules.
    """

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class DifferenceClass:
    """Packets that two rulesets treat differently in the same way, with one of them as witness.

    Args:
        entry: ``forwarded``, ``incoming`` or ``local``: how the witness goes.
        conditions: what all packets of the first part of the class have in common.
        parts: how many parts like that there are; their destinations differ.
        size: how many combinations of addresses, ports and protocol these are, all parts together.
        keys: the destinations of the parts, in words.
        kinds: in what they differ.
        ours: what A does with the witness.
        theirs: what B does.
        flow: the witness.
        node: the machine that it was sent through; made up where none was given.
        traces: of the witness, by A and by B.
        answers: what was taken for conditions that cannot be told, in words.
    """

    entry: str
    conditions: tuple[Condition, ...]
    parts: int
    size: int
    keys: tuple[str, ...]
    kinds: tuple[Kind, ...]
    ours: tuple[Share, ...]
    theirs: tuple[Share, ...]
    flow: Flow
    node: Node
    traces: tuple[Trace, Trace]
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undecided:
    """What could not be decided.

    Args:
        why: one sentence.
        places: the rules or packets that it is about, in words.
    """

    why: str
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """How much of the rulesets was proven in which way.

    Args:
        by_text: chains that say the same line for line.
        by_keys: chains whose rules stand in an order that makes no difference.
        compared: chains that were compared as functions of all packets.
        cells: parts of all packets that were compared apart.
    """

    by_text: int = 0
    by_keys: int = 0
    compared: int = 0
    cells: int = 0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Whether two rulesets treat some packet differently.

    Args:
        verdict: the answer.
        a: one ruleset.
        b: the other.
        classes: the packets that are treated differently, each with a witness; those that differ in rounding only
            come here, too, and do not make the verdict DIFFERENT.
        complete: whether there are no more classes than these.
        undecided: what could not be decided.
        assumptions: what is taken for granted, one sentence each.
        proof: how much was proven in which way.
    """

    verdict: Verdict
    a: Ruleset = field(repr=False)
    b: Ruleset = field(repr=False)
    classes: tuple[DifferenceClass, ...] = ()
    complete: bool = True
    undecided: tuple[Undecided, ...] = ()
    assumptions: tuple[str, ...] = ()
    proof: Proof = Proof()

    def __bool__(self) -> bool:
        """Whether there is something to tell: a difference, or what could not be decided."""
        return self.verdict is not Verdict.EQUIVALENT
