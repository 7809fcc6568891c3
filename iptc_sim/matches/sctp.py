"""``-m sctp``: ports and chunks of an SCTP packet (xt_sctp.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field, both
from iptc_sim.extension import extension
from iptc_sim.match import No, Outcome, Unclear, decide
from iptc_sim.matches._asked import number_in, protocol_is
from iptc_sim.matches._headers import HeaderMatch
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
NUMBERS = (*range(15), 64, 128, 130, 132, 192, 193, 194)
#: The flags that a chunk has, from the highest bit down; those of I_DATA are read and never printed.
FLAGS = {"DATA": "IUBE", "I_DATA": "IUBE", "ABORT": "T", "SHUTDOWN_COMPLETE": "T"}
MODES = Choice(("all", "any", "only"))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk type; of its flags the upper case ones must be on, the lower case ones off."""

    name: str
    flags: str = ""

    def fits(self, flags: int) -> bool:
        """Whether the flags of a chunk are such."""
        letters = FLAGS.get(self.name, "")
        bits = {letter: 1 << index for index, letter in enumerate(reversed(letters))}
        return all(bool(flags & bits[letter.upper()]) == letter.isupper() for letter in self.flags)

    def __str__(self) -> str:
        return f"{self.name}:{self.flags}" if self.flags else self.name


@dataclass(frozen=True, slots=True)
class ChunkTest:
    """Whether all, any, or only of these chunks are in the packet; ``chunks`` may be the words ALL or NONE."""

    mode: str
    chunks: tuple[Chunk, ...] | str

    def holds(self, chunks: list[tuple[int, int]]) -> bool:
        """Whether it holds of the chunks of a packet, given by type and flags, as ``match_packet`` of xt_sctp.c has it.

        ``all``: each wanted type is there with its flags; ``any``: one is; ``only``: none but wanted ones is there.
        """
        if isinstance(self.chunks, str):
            wanted = dict.fromkeys(range(256), Chunk("")) if self.chunks == "ALL" else {}
        else:
            wanted = {NUMBERS[CHUNKS.index(chunk.name)]: chunk for chunk in self.chunks}
        fitting = {kind for kind, flags in chunks if kind in wanted and wanted[kind].fits(flags)}
        if self.mode == "any":
            return bool(fitting)
        if self.mode == "all":
            return fitting == wanted.keys()
        return all(kind in wanted and wanted[kind].fits(flags) for kind, flags in chunks)

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
class Sctp(HeaderMatch):
    """Needs ``-p sctp``."""

    NAME = "sctp"
    PROTOCOLS = frozenset({SCTP})

    sport: Negatable[PortRange] | None = option(PORTS, "--sport", "--source-port", negatable=True)
    dport: Negatable[PortRange] | None = option(PORTS, "--dport", "--destination-port", negatable=True)
    chunk_types: Negatable[ChunkTest] | None = option(ChunkTestType(), "--chunk-types", negatable=True)

    def judge(self, at: Moment) -> Outcome:
        """Compare the ports, then the chunks."""
        packet = at.packet
        if packet.protocol != SCTP:
            return No(self, "", f"the protocol is {packet.protocol_name}")
        header = self.transport(at, 12, "SCTP")
        if isinstance(header, No | Unclear):
            return header
        return decide(
            self.test("sport", packet.sport, "source port"),
            self.test("dport", packet.dport, "destination port"),
            self._chunks(header),
        )

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Return the tests of the ports; chunks are not reasoned about."""
        return both(
            [
                protocol_is(SCTP),
                number_in(Field.SPORT, self.sport),
                number_in(Field.DPORT, self.dport),
                self.free("chunk_types"),
            ]
        )

    def _chunks(self, header: bytes) -> No | None:
        wanted = self.chunk_types
        if wanted is None:
            return None
        chunks = _chunks_of(header)
        if chunks is None:
            return No(self, "chunk_types", "a chunk is cut or empty: the kernel drops the packet", drops=True)
        if wanted.value.holds(chunks) != wanted.negated:
            return None
        return No(self, "chunk_types", f"its chunks are {', '.join(_chunk_name(kind) for kind, _ in chunks)}")


def _chunks_of(packet: bytes) -> list[tuple[int, int]] | None:
    """Return type and flags of each chunk; None where one is cut or has no length."""
    found: list[tuple[int, int]] = []
    place = 12
    while place < len(packet) or not found:
        length = int.from_bytes(packet[place + 2 : place + 4])
        if place + 4 > len(packet) or not length:
            return None
        found.append((packet[place], packet[place + 1]))
        place += length + 3 & ~3
    return found


def _chunk_name(kind: int) -> str:
    return next((name for name, number in zip(CHUNKS, NUMBERS, strict=True) if number == kind), str(kind))
