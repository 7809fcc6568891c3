"""Conditions on bytes, drawn: u32 expressions, strings, programs of classic BPF."""

from __future__ import annotations

import random

from iptc_sim.wire.classic_bpf import valid_codes
from tests.kernel.header_cases import DATAGRAM, MSS, TEXT, UDP_HEAD, four, numbered, tcp

PACKETS = numbered(
    [
        tcp(),
        tcp(MSS, TEXT),
        tcp(b"", b"abcabcabdabcabcabcabd" * 3),
        four(DATAGRAM, UDP_HEAD + bytes(range(8))),
        tcp(b"", bytes(range(256))),
    ]
)
_OFFSETS = (0, 2, 4, 6, 8, 9, 12, 16, 20, 22, 28, 32, 33, 36, 40, 44, 0xFFFFFFFF)
_CODES = sorted(valid_codes())
_NUMBERS = (0, 1, 2, 3, 6, 8, 9, 12, 15, 16, 20, 31, 33, 40, 44, 63, 0xFFF00009, 0xFFF00024, 0xFFFFF000, 0xFFFFF028)
Program = list[tuple[int, int, int, int]]


def u32(draw: random.Random) -> str:
    tests = "&&".join(f"{_location(draw)}={_range(draw)},{_range(draw)}" for _ in range(draw.randint(1, 2)))
    return f'-m u32 {draw.choice(["", "! "])}--u32 "{tests}"'


def _location(draw: random.Random) -> str:
    text = hex(draw.choice([*_OFFSETS, draw.randrange(400)]))
    for _ in range(draw.randrange(5)):
        operator = draw.choice(["&", "<<", ">>", "@", "@"])
        numbers = {
            "&": (0xFF, 0x3C, 0xFFFF, 0xF0F0F0F0),
            "<<": range(8),
            ">>": (8, 16, 22, 24, 26),
            "@": (0, 1, 4, 12, draw.randrange(60)),
        }
        text += f"{operator}{draw.choice(numbers[operator]):#x}"
    return text


def _range(draw: random.Random) -> str:
    first, last = draw.choice([0, draw.randrange(1 << 8), draw.randrange(1 << 32)]), draw.randrange(1 << 32)
    return draw.choice([hex(first), f"{first:#x}:{last:#x}", f"0:{last:#x}"])


def string(draw: random.Random) -> str:
    data = draw.choice(PACKETS)[20:]
    place = draw.randrange(len(data) - 1)
    pattern = bytearray(data[place : place + draw.choice([1, 2, 3, 5, 8, 20])])
    if draw.random() < 0.3:
        pattern[draw.randrange(len(pattern))] ^= 0x20
    first = draw.choice([0, 0, draw.randrange(60)])
    last = draw.choice([65535, first + draw.randrange(80)])
    words = f'--hex-string "|{pattern.hex()}|" --algo {draw.choice(["bm", "kmp"])} --from {first} --to {last}'
    return f"-m string {draw.choice(['', '! '])}{words}{draw.choice(['', ' --icase'])}"


def program(draw: random.Random) -> Program:
    """Return a program, which may be one that the kernel does not take."""
    length = draw.randrange(1, 8)
    found: Program = []
    for left in range(length, 0, -1):
        code, number = draw.choice(_CODES), draw.choice(_NUMBERS)
        jumps = (draw.randrange(left), draw.randrange(left)) if code & 7 == 5 else (0, 0)
        found.append((code, *jumps, draw.randrange(left) if code == 5 else number))
    return [*found, draw.choice([(6, 0, 0, draw.randrange(2)), (0x16, 0, 0, 0)])]


def bytecode(found: Program) -> str:
    text = ",".join(" ".join(map(str, instruction)) for instruction in found)
    return f'-m bpf --bytecode "{len(found)},{text}"'
