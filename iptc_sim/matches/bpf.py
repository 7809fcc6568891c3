"""``-m bpf``: a program that looks at the packet (xt_bpf.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Free
from iptc_sim.extension import Placement, extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.records import dataclass
from iptc_sim.value_types.text import Text
from iptc_sim.values import Family

#: The most instructions that a program may have (XT_BPF_MAX_NUM_INSTR).
MOST = 64
_LIMITS = (0xFFFF, 0xFF, 0xFF, 0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of classic BPF: what to do, where to go if true and if false, a number."""

    code: int
    jump_true: int
    jump_false: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Instruction:
        """Read four decimal numbers.

        Raises:
            ValueError: they are not.
        """
        words = text.split()
        if len(words) != 4 or not all(word.isascii() and word.isdigit() for word in words):
            raise ValueError(f"{text or 'an empty word'} is not an instruction of four numbers")
        made = cls(*map(int, words))
        if any(number > limit for number, limit in zip(map(int, words), _LIMITS, strict=True)):
            raise ValueError(f"in the instruction {text} a number is out of range")
        return made

    def __str__(self) -> str:
        return f"{self.code} {self.jump_true} {self.jump_false} {self.number}"


@dataclass(frozen=True, slots=True)
class Program:
    """The instructions, printed with their number in front."""

    instructions: tuple[Instruction, ...]

    @property
    def codes(self) -> tuple[tuple[int, int, int, int], ...]:
        """The instructions as numbers."""
        return tuple((one.code, one.jump_true, one.jump_false, one.number) for one in self.instructions)

    def __str__(self) -> str:
        return ",".join([str(len(self.instructions)), *map(str, self.instructions)])


class ProgramType(ValueType[Program]):
    """How many instructions, then these, between commas; one comma may follow."""

    expected = 'the number of instructions, then each of them: "1,6 0 0 1"'

    def read(self, words: tuple[str, ...], context: Reading) -> Program:  # noqa: ARG002 - the interface
        """Return the program."""
        count, _, rest = words[0].partition(",")
        if not (count.isascii() and count.isdigit() and 0 < int(count) <= MOST):
            raise ValueError(f"{count or 'an empty word'} is not a number of instructions from 1 to {MOST}")
        found = tuple(Instruction.parse(text) for text in rest.removesuffix(",").split(","))
        if len(found) != int(count):
            raise ValueError(f"it has {len(found)} instructions and says {count}")
        return Program(found)

    def write(self, value: Program) -> tuple[str, ...]:
        """Return the program between quotes."""
        return (f'"{value}"',)


@extension
class Bpf(HeaderMatch):
    """The program itself, or the file of one that is loaded."""

    NAME = "bpf"

    bytecode: Program | None = option(ProgramType(), "--bytecode")
    object_pinned: str | None = option(
        Text("the path of a loaded program, at most 511 bytes", 511, strict=True, quote=False), "--object-pinned"
    )

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none and both."""
        self.demand_one("bytecode", "object_pinned")

    def refusal(self, place: Placement) -> str:
        """Return why the kernel refuses the program (``bpf_check_classic``)."""
        from iptc_sim.wire.classic_bpf import fault  # noqa: PLC0415 - what has no program does not need it

        why = "" if self.bytecode is None else fault(self.bytecode.codes)
        return f"--bytecode: {why}" if why else Match.refusal(self, place)

    def judge(self, at: Moment) -> Outcome:
        """Run the program on the packet."""
        if self.bytecode is None:
            return Unclear(self, f"{self.option_text('object_pinned')}: what the program does is not known")
        from iptc_sim.wire import classic_bpf  # noqa: PLC0415 - what reads rules does not need it

        octets, packet = self.octets(at), at.packet
        known = {
            classic_bpf.PROTOCOL: 0x0800 if packet.family is Family.IPV4 else 0x86DD,
            classic_bpf.MARK: packet.mark,
        }
        if classic_bpf.fault(self.bytecode.codes):
            return No(self, "bytecode", "the program is wrong; the kernel refuses it")
        try:
            result = classic_bpf.run(self.bytecode.codes, octets.data, octets.knows, known)
        except LookupError:
            return Unclear(self, "--bytecode: the program asks for what is not known of the packet")
        return YES if result else No(self, "bytecode", "the program returns 0")

    def constraint(self, asked: Asked) -> Constraint:
        """Say that the program may look at anything."""
        return Free(self.question(asked), reads=None)
