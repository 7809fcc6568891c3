"""``-m sctp``: ports and chunks of an SCTP packet (xt_sctp.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match, No, Outcome, Unclear, decide
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.protocols import SCTP
from iptc_sim.records import dataclass
from iptc_sim.value_types.choice import Choice
from iptc_sim.value_types.port import PortRangeType, read_port
from iptc_sim.values import Negatable, PortRange

#: The chunks by name, in the order of their numbers, in which they are printed.
CHUNKS = (
    "DATA", "INIT", "INIT_ACK", "SACK", "HEARTBEAT", "HEARTBEAT_ACK", "ABORT", "SHUTDOWN", "SHUTDOWN_ACK", "ERROR",
    "COOKIE_ECHO", "COOKIE_ACK", "ECN_ECNE", "ECN_CWR", "SHUTDOWN_COMPLETE", "I_DATA", "ASCONF_ACK", "RE_CONFIG",
    "PAD", "FORWARD_TSN", "ASCONF", "I_FORWARD_TSN",
)  # fmt: skip
#: The flags that a chunk has, from the highest bit down; those of I_DATA are read and never printed.
FLAGS = {"DATA": "IUBE", "I_DATA": "IUBE", "ABORT": "T", "SHUTDOWN_COMPLETE": "T"}
MODES = Choice(("all", "any", "only"))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk type; of its flags the upper case ones must be on, the lower case ones off."""

    name: str
    flags: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.flags}" if self.flags else self.name


@dataclass(frozen=True, slots=True)
class ChunkTest:
    """Whether all, any, or only of these chunks are in the packet; ``chunks`` may be the words ALL or NONE."""

    mode: str
    chunks: tuple[Chunk, ...] | str

    def __str__(self) -> str:
        return f"{self.mode} {self.chunks if isinstance(self.chunks, str) else ','.join(map(str, self.chunks))}"


class ChunkTestType(ValueType[ChunkTest]):
    """A mode and a comma list of chunk types, in any case."""

    words = 2
    expected = "all, any or only, and a comma list of chunk types such as DATA:Be, or ALL or NONE"

    def read(self, words: tuple[str, ...], context: Reading) -> ChunkTest:
        """Return the test."""
        mode = MODES.read((words[0].lower(),), context)
        if words[1].upper() in {"ALL", "NONE"}:
            return ChunkTest(mode, words[1].upper())
        flags: dict[str, str] = {}
        for item in filter(None, words[1].split(",")):
            name, _, given = item.partition(":")
            chunk = name.upper()
            if chunk not in CHUNKS:
                raise ValueError(f"{name} is not an SCTP chunk type")
            known = FLAGS.get(chunk, "")
            if not set(given.upper()) <= set(known):
                raise ValueError(f"{given} are not flags of {chunk}" + (f", which has {known}" if known else ""))
            flags[chunk] = flags.get(chunk, "") + given
        return ChunkTest(
            mode, tuple(Chunk(name, _flags(name, flags[name])) for name in CHUNKS if name in flags) or "NONE"
        )

    def write(self, value: ChunkTest) -> tuple[str, ...]:
        """Return mode and list."""
        return tuple(str(value).split(" "))


def _flags(chunk: str, given: str) -> str:
    """Put flags in order; one that is asked for both on and off stays on."""
    if chunk == "I_DATA":
        return ""
    wanted = [flag if flag in given else flag.lower() for flag in FLAGS.get(chunk, "") if flag in given.upper()]
    return "".join(wanted)


#: The full range stays.
PORTS = PortRangeType(ordered=True, vanishes=False, number=lambda text: read_port(text, "sctp"))


@extension
class Sctp(Match):
    """Needs ``-p sctp``."""

    NAME = "sctp"
    PROTOCOLS = frozenset({SCTP})

    sport: Negatable[PortRange] | None = option(PORTS, "--sport", "--source-port", negatable=True)
    dport: Negatable[PortRange] | None = option(PORTS, "--dport", "--destination-port", negatable=True)
    chunk_types: Negatable[ChunkTest] | None = option(ChunkTestType(), "--chunk-types", negatable=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare the ports; the chunks are not told."""
        packet = at.packet
        if packet.protocol != SCTP:
            return No(self, "", f"the protocol is {packet.protocol_name}")
        return decide(
            self.test("sport", packet.sport, "source port"),
            self.test("dport", packet.dport, "destination port"),
            self._chunks(),
        )

    def _chunks(self) -> Unclear | None:
        if self.chunk_types is None:
            return None
        return Unclear(self, f"{self.option_text('chunk_types')}: the chunks of the packet are not known")
