"""A flows file: what may stand in it (forms, from which the schema is made), and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from iptc_sim.connection import Earlier, Flow
from iptc_sim.diagnostics import CODES, SourceFile
from iptc_sim.expect.expected import Expected
from iptc_sim.expect.forms import Choice, Either, Form, Key, Listing, Named, Shape, Truth, Word, Yes
from iptc_sim.kube import Cluster, Settings
from iptc_sim.kube.addresses import ObjectResolver
from iptc_sim.kube.yaml_values import Marked
from iptc_sim.node import Node
from iptc_sim.records import dataclass, fields, replace
from iptc_sim.values import Family

#: How the names of flows files end.
ENDINGS: Final = (".flows.yaml", ".flows.yml")

_DESTINATION: Final = Word("a destination: ADDRESS:PORT, ADDRESS, or a name of --objects such as pod/NS/NAME:PORT")
_PLACE: Final = Word("[TABLE/]CHAIN[:NUMBER or :policy], such as filter/INPUT:policy")
_CHANCE: Final = Word("a chance: 1/3 (to within 1/100000), 33.3% or 0.333 (to the digits given)")
_FLOW: Final = Word("a packet in words: tcp 10.0.0.9:40000 -> 10.0.0.1:80 in eth0")
_AT: Final = Word("a time: 2026-11-22T21:59:00Z, or seconds since 1970")

EXPECT: Final = Form(
    "an expectation",
    (
        Key("reaches", Listing(_DESTINATION, "It gets to exactly these destinations, in every branch.")),
        Key("may-reach", Listing(_DESTINATION, "It gets to these destinations and perhaps to others.")),
        Key("odds", Named(_CHANCE, "destinations, dropped or rejected", "The chance of each of these ends.")),
        Key(
            "masqueraded",
            Either((Truth("Whether its source is rewritten."), Word("the address that its source becomes"))),
        ),
        Key("dropped-by", Word("what drops it: any, or [TABLE/]CHAIN[:NUMBER or :policy]")),
        Key("rejected-with", Word("how it is rejected: any, or what --reject-with takes, icmp-port-unreachable")),
        Key("rejected-by", Word("what rejects it: any, or [TABLE/]CHAIN[:NUMBER or :policy]")),
        Key("via", Listing(_PLACE, "Chains and rules that it passes, in this order, in every branch.")),
        Key("translated-to", _DESTINATION),
        Key("mark", Word("its mark at the end: VALUE or VALUE/MASK, 0x4000/0x4000")),
        Key("local", Truth("true: it is delivered on this node; false: it leaves it.")),
    ),
    needs_one="this expects nothing: it would always pass",
)
FLOW: Final = Form(
    "a flow",
    (
        Key("flow", _FLOW, required=True),
        Key("expect", EXPECT),
        Key("at", _AT),
        Key(
            "history",
            Either(
                (
                    Choice(("fresh",), "The rules were just loaded: no packet came before."),
                    Listing(
                        Word("[@TIME] FLOW [=> WHERE IT WENT]"), "The packets that came before, in order.", single=False
                    ),
                )
            ),
        ),
    ),
)
STEP: Final = Form(
    "a step",
    (
        Key("flow", _FLOW, required=True),
        Key("expect", EXPECT),
        Key("at", Word("a time, or +N: so many seconds after the step before")),
        Key("went-to", Word("where it went, of several ways: a destination, a chain, or the number of the branch")),
    ),
)
NODE: Final = Form(
    "a node",
    (
        Key(
            "interfaces", Named(Listing(Word("ADDRESS/LENGTH"), "Addresses."), "interfaces", "Addresses by interface.")
        ),
        Key("local", Listing(Word("an address"), "Addresses of the node, where its interfaces are not told.")),
        Key("routes", Listing(Word("a route: default via 192.0.2.1 dev eth0"), "Routes.")),
        Key("sysctls", Named(Word("a number"), "sysctls", "Switches: net.ipv4.ip_forward: 1")),
        Key("sets", Word("a file that ipset save has printed")),
    ),
    needs_one="this tells nothing of the node",
)

#: Settings that stand elsewhere, or are no plain values.
_NOT_IN_SETTINGS: Final = frozenset({"release", "family", "proxy_ports"})


def _of_type(name: str, text: str) -> Shape:
    """Return the shape of one of kube-proxy's flags, by the type of its field."""
    flag = f"--{name.replace('_', '-')} of kube-proxy"
    if text == "bool":
        return Truth(flag)
    return Listing(Word(flag), flag) if text.startswith("tuple") else Word(flag)


SETTINGS: Final = Form(
    "the settings of kube-proxy",
    tuple(
        Key(item.name.replace("_", "-"), _of_type(item.name, str(item.type)))
        for item in fields(Settings)
        if item.name not in _NOT_IN_SETTINGS
    ),
)
GENERATE: Final = Form(
    "what is generated",
    (
        Key("kube", Listing(Word("a file or folder of Kubernetes objects"), "Objects."), required=True),
        Key("release", Word("kube-proxy's release, 1.11 to 1.37, or newest")),
        Key("settings", SETTINGS),
    ),
)
#: What ``iptc-sim check --lint`` finds, without importing it.
LINT_CODES: Final = tuple(code for code in CODES if "IPT100" <= code <= "IPT119")

_TEXT: Final = Key("text", Word("the text of a dump"))
CLAIM: Final = Form(
    "a claim about the rules",
    (
        Key(
            "equivalent-to",
            Either(
                (
                    Form("other rules", (_TEXT, Key("generate", GENERATE)), one_of=("text", "generate")),
                    Listing(Word("a file with a dump"), "Files of rules that treat every packet as these rules do."),
                )
            ),
        ),
        Key(
            "undecided",
            Choice(
                ("fail", "pass"), "What becomes of it if neither a proof nor a difference is found (default: fail)."
            ),
            beside="equivalent-to",
        ),
        Key(
            "no-findings",
            Either(
                (
                    Yes("iptc-sim check --lint finds nothing in these rules, not even something to note."),
                    Form(
                        "exceptions",
                        (
                            Key("except", Listing(Choice(LINT_CODES, "A finding."), "Findings that do not count.")),
                            Key("baseline", Word("a file of check --lint --write-baseline, relative to this file")),
                        ),
                        needs_one="this excepts nothing: true says the same",
                    ),
                )
            ),
        ),
    ),
    one_of=("equivalent-to", "no-findings"),
)
FILE: Final = Form(
    "a flows file",
    (
        Key("version", Choice((1,), "Of this format."), required=True),
        Key(
            "rules",
            Either(
                (
                    Form("rules", (replace(_TEXT, required=True),)),
                    Listing(Word("a file with a dump"), "Files of rules, read together; relative to this file."),
                )
            ),
        ),
        Key("generate", GENERATE),
        Key("family", Choice((4, 6), "The address family of the rules (default: seen from the text).")),
        Key("table", Word("the table of an iptables -S listing that does not name it")),
        Key("node", Either((NODE, Word("a folder of iptc-sim capture, relative to this file")))),
        Key("objects", Listing(Word("a file of Kubernetes objects"), "Their names may stand in flows.")),
        Key("from-namespace", Word("where names without a namespace are looked up (default: default)")),
        Key(
            "defaults",
            Form(
                "the defaults",
                (
                    Key("in", Word("by which a packet comes in whose flow does not tell it")),
                    Key("at", _AT),
                    Key("history", Choice(("fresh",), "The rules were just loaded: no packet came before.")),
                ),
            ),
        ),
        Key("flows", Named(FLOW, "names", "Packets and what is expected of them; each is the first after loading.")),
        Key(
            "sequences",
            Named(
                Listing(STEP, "Packets in turn.", single=False),
                "names",
                "Packets that are sent one after the other to rules that were just loaded.",
            ),
        ),
        Key("rulesets", Named(CLAIM, "names", "Claims about these rules as a whole: for all packets.")),
    ),
    one_of=("rules", "generate"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One packet of a case.

    Args:
        marked: where it stands in the file.
        flow: the packet.
        expected: what is expected of it; None: nothing is, in a sequence.
        at: the time, seconds since 1970; None: not told.
        history: what came before; None: not told. In a sequence it is what the steps before have left.
        went_to: which of several ways it took, before the next step; empty: it has one only.
    """

    marked: Marked
    flow: Flow
    expected: Expected | None
    at: float | None = None
    history: tuple[Earlier, ...] | None = None
    went_to: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A flow or a sequence, with its name.

    Args:
        name: as it stands in the file.
        line: where.
        steps: one for a flow.
        in_turn: whether it is a sequence.
    """

    name: str
    line: int
    steps: tuple[Step, ...]
    in_turn: bool = False


@dataclass(frozen=True, slots=True)
class RulesFrom:
    """Where the rules come from: one of the three.

    Args:
        files: dumps.
        text: a dump in the file itself.
        cluster: objects, and ``settings`` of the kube-proxy that writes the rules.
        family: of the rules; None: it is seen from them.
        table: of a listing.
    """

    files: tuple[tuple[Marked, Path], ...] = ()
    text: str = ""
    cluster: Cluster | None = None
    settings: Settings | None = None
    family: Family | None = None
    table: str | None = None


@dataclass(frozen=True, slots=True)
class Equivalent:
    """The claim that rules treat every packet as others do.

    Args:
        rules: where the others come from; they are not read yet.
        undecided_passes: whether it is enough that no difference was found.
    """

    rules: RulesFrom
    undecided_passes: bool = False


@dataclass(frozen=True, slots=True)
class NoFindings:
    """The claim that there is nothing odd in rules.

    Args:
        ignored: codes that do not count.
        baseline: a file of findings that do not count.
    """

    ignored: frozenset[str] = frozenset()
    baseline: SourceFile | None = None


@dataclass(frozen=True, slots=True)
class RulesetCase:
    """A claim about the rules as a whole, with its name.

    Args:
        name: as it stands in the file.
        line: where.
        claim: what is claimed.
    """

    name: str
    line: int
    claim: Equivalent | NoFindings


#: Everything of a file that passes or fails.
AnyCase = Case | RulesetCase


@dataclass(frozen=True, slots=True)
class FlowsFile:
    """A flows file that can be understood.

    Args:
        source: its text.
        rules: where the rules come from; they are not read yet.
        node: the machine.
        sets: what ``ipset save`` printed of it; empty where that was not told.
        names: what names in flows stand for; None without objects.
        cases: flows, sequences, then claims, in the order of the file.
    """

    source: SourceFile
    rules: RulesFrom
    node: Node
    sets: str
    names: ObjectResolver | None
    cases: tuple[AnyCase, ...]

    @property
    def told_node(self) -> Node | None:
        """The machine, if something is told of it."""
        return self.node if self.node != Node() else None
