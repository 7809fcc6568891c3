"""An interpreter of classic BPF, the language of ``-m bpf --bytecode`` (McCanne and Jacobson, 1993).

A program only jumps forward, so it is done after as many steps as it has instructions. It reads the packet from the IP
header on; what it reads behind the end ends it with 0.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Final

#: One instruction: what to do, where to go if true and if false, a number.
Code = tuple[int, int, int, int]

#: From here on, downwards from 2**32, an offset means something else than a place in the packet.
_ANCILLARY: Final = -0x1000
_NETWORK: Final = -0x100000
_LINK: Final = -0x200000
#: The extensions that can be told: the Ethernet protocol, the mark.
PROTOCOL, MARK = 0, 20
_XOR: Final = 40

_WORD: Final = 0xFFFFFFFF
_SIZES: Final = {0x00: 4, 0x08: 2, 0x10: 1}
_LOAD, _LOAD_X, _STORE, _STORE_X, _ALU, _JUMP, _RETURN, _MISC = range(8)
_IMMEDIATE, _ABSOLUTE, _INDIRECT, _MEMORY, _LENGTH, _HEADER = 0x00, 0x20, 0x40, 0x60, 0x80, 0xA0
_DIVIDE, _NEGATE, _MODULO = 0x30, 0x80, 0x90
_ARITHMETIC: Final[Mapping[int, Callable[[int, int], int]]] = {
    0x00: operator.add,
    0x10: operator.sub,
    0x20: operator.mul,
    _DIVIDE: operator.floordiv,
    0x40: operator.or_,
    0x50: operator.and_,
    0x60: lambda a, b: a << (b & 31),
    0x70: lambda a, b: a >> (b & 31),
    _NEGATE: lambda a, _: -a,
    _MODULO: operator.mod,
    0xA0: operator.xor,
}
_COMPARISONS: Final[Mapping[int, Callable[[int, int], bool]]] = {
    0x10: operator.eq,
    0x20: operator.gt,
    0x30: operator.ge,
    0x40: lambda a, b: bool(a & b),
}


class _EndedError(Exception):
    """The program read what is not there, or divided by zero."""


class _Machine:
    def __init__(self, data: bytes, knows: Callable[[int, int], bool], extensions: Mapping[int, int]) -> None:
        self.data, self.knows, self.extensions = data, knows, extensions
        self.a = self.x = 0
        self.memory = [0] * 16

    def read(self, place: int, size: int) -> int:
        """Return bytes of the packet; ``place`` may be negative, as 32 bits have it."""
        place &= _WORD
        if place >> 31:
            place -= 1 << 32
            if _LINK <= place < _NETWORK:
                raise LookupError
            if place < _LINK:
                raise _EndedError
            place -= _NETWORK
        if place + size > len(self.data):
            raise _EndedError
        if not self.knows(place, place + size):
            raise LookupError
        return int.from_bytes(self.data[place : place + size])

    def load(self, code: int, number: int) -> int:
        """Return what a load instruction gives."""
        size, mode = _SIZES[code & 0x18], code & 0xE0
        if mode == _IMMEDIATE:
            return number
        if mode == _MEMORY:
            return self.memory[number]
        if mode == _LENGTH:
            return len(self.data)
        if mode == _HEADER:
            return 4 * (self.read(number, 1) & 15)
        if mode == _INDIRECT:
            return self.read(self.x + number, size)
        extension = number - (1 << 32) - _ANCILLARY
        if extension == _XOR:
            return self.a ^ self.x
        return self.extensions[extension] if 0 <= extension < -_ANCILLARY else self.read(number, size)

    def compute(self, code: int, number: int) -> None:
        """Do arithmetic on the accumulator."""
        other, what = (self.x if code & 8 else number), code & 0xF0
        if what in {_DIVIDE, _MODULO} and not other:
            raise _EndedError
        self.a = _ARITHMETIC[what](self.a, other) & _WORD


def run(program: Sequence[Code], data: bytes, knows: Callable[[int, int], bool], extensions: Mapping[int, int]) -> int:
    """Return what the program returns; the packet fits where that is not 0.

    Args:
        program: that :func:`fault` finds nothing wrong with.
        data: the packet.
        knows: whether its bytes from the first to before the second place are known.
        extensions: the values behind ``SKF_AD_OFF`` by their number.

    Raises:
        LookupError: it hangs on bytes that are not known, on the link layer, or on an extension not given.
    """
    machine, at = _Machine(data, knows, extensions), 0
    try:
        while True:
            code, if_true, if_false, number = program[at]
            at += 1
            match code & 7:
                case 0:
                    machine.a = machine.load(code, number)
                case 1:
                    machine.x = machine.load(code, number)
                case 2 | 3:
                    machine.memory[number] = machine.x if code & 7 == _STORE_X else machine.a
                case 4:
                    machine.compute(code, number)
                case 5 if not code & 0xF0:
                    at += number
                case 5:
                    holds = _COMPARISONS[code & 0xF0](machine.a, machine.x if code & 8 else number)
                    at += if_true if holds else if_false
                case 6:
                    return machine.a if code & 0x18 == 0x10 else number
                case _ if code & 0x80:
                    machine.a = machine.x
                case _:
                    machine.x = machine.a
    except _EndedError:
        return 0


def valid_codes() -> frozenset[int]:
    """Return the codes of all instructions that there are."""
    loads = {mode | size for mode in (_ABSOLUTE, _INDIRECT) for size in _SIZES} | {_IMMEDIATE, _MEMORY, _LENGTH}
    loads |= {_LOAD_X | mode for mode in (_IMMEDIATE, _MEMORY, _LENGTH)} | {_LOAD_X | _HEADER | 0x10}
    arithmetic = {_ALU | what | source for what in _ARITHMETIC for source in (0, 8)} - {_ALU | _NEGATE | 8}
    jumps = {_JUMP | what | source for what in _COMPARISONS for source in (0, 8)} | {_JUMP}
    return frozenset(loads | {_STORE, _STORE_X, _RETURN, _RETURN | 0x10, _MISC, _MISC | 0x80} | arithmetic | jumps)


def fault(program: Sequence[Code]) -> str:
    """Return why the kernel does not take a program; empty where it does."""
    valid = valid_codes()
    for at, (code, if_true, if_false, number) in enumerate(program):
        place, left = f"instruction {at + 1} of the program", len(program) - at - 1
        kind, constant = code & 7, not code & 8
        if code not in valid:
            return f"{place} is none"
        if kind == _ALU and constant and code & 0xF0 in {_DIVIDE, _MODULO} and not number:
            return f"{place} divides by zero"
        if kind == _ALU and constant and code & 0xF0 in {0x60, 0x70} and number > 31:
            return f"{place} shifts by more than 31 bits"
        if (kind in {_STORE, _STORE_X} or (kind in {_LOAD, _LOAD_X} and code & 0xE0 == _MEMORY)) and number > 15:
            return f"{place} names a cell that memory does not have"
        reach = number if code == _JUMP else max(if_true, if_false)
        if kind == _JUMP and reach >= left:
            return f"{place} jumps out of the program"
        if code & 0xFF == _LOAD | _ABSOLUTE and number >= (1 << 32) + _ANCILLARY and number % 4:
            return f"{place} names an extension that there is not"
    return _unset_cell(program) or ("" if program[-1][0] & 7 == _RETURN else "the program does not end with a return")


def _unset_cell(program: Sequence[Code]) -> str:
    """Return the complaint where a memory cell is read that not every way to it has written."""
    ways: list[int] = [0xFFFF] * len(program)
    written = 0
    for at, (code, if_true, if_false, number) in enumerate(program):
        kind = code & 7
        written &= ways[at]
        if kind in {_STORE, _STORE_X}:
            written |= 1 << number
        elif kind in {_LOAD, _LOAD_X} and code & 0xE0 == _MEMORY and not written >> number & 1:
            return f"instruction {at + 1} of the program reads a cell that was not written"
        elif kind == _JUMP:
            for step in (number,) if code == _JUMP else (if_true, if_false):
                ways[at + 1 + step] &= written
            written = 0xFFFF
    return ""
