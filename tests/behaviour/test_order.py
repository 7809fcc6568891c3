"""Rules in another order: told to be the same function only where every packet meets the same rules in the same order."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from iptc_sim.behaviour.order import is_reordered, key_of

ADDRESSES = ("", "10.0.0.1", "10.0.0.2", "10.0.0.3")
PORTS = ("", "tcp 80", "tcp 443", "udp 80", "tcp", "udp")


def line(address: str, port: str, number: int) -> str:
    protocol, _, wanted = port.partition(" ")
    words = ["-A CHAIN", *([f"-d {address}/32"] if address else []), *([f"-p {protocol}"] if protocol else [])]
    words += [f"-m {protocol} --dport {wanted}"] if wanted else []
    return " ".join([*words, f"-j TARGET{number}"])


def met(lines: list[str], packet: tuple[str, str, str]) -> list[str]:
    """Return the rules that a packet fits, in order: said here by the words of the line alone."""
    address, protocol, port = packet
    found = []
    for text in lines:
        words = text.split()
        wanted = {words[place]: words[place + 1] for place in range(2, len(words) - 1)}
        if wanted.get("-d", f"{address}/32") != f"{address}/32" or wanted.get("-p", protocol) != protocol:
            continue
        if wanted.get("--dport", port) == port:
            found.append(words[-1])
    return found


PACKETS = list(product(("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.9"), ("tcp", "udp", "icmp"), ("80", "443", "1")))


def test_same_function_for_every_packet() -> None:
    random = Random(1)
    said = {True: 0, False: 0}
    for _ in range(4000):
        kinds = random.choices(list(product(ADDRESSES, PORTS)), k=random.randint(1, 6))
        old = [line(*kind, number if random.random() < 0.8 else 0) for number, kind in enumerate(kinds)]
        new = random.sample(old, len(old))
        same = all(met(old, packet) == met(new, packet) for packet in PACKETS)
        answer = is_reordered(old, new)
        said[answer] += 1
        assert same or not answer, (old, new)
        if len({text.split()[-1] for text in old}) == len(old):  # rules that say the same may change places unseen
            assert answer == same, (old, new)
    assert min(said.values()) > 500


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('-A X -d 10.0.0.1/32 -p tcp -m comment --comment "a b" -m tcp --dport 80 -j Y', ("10.0.0.1", "tcp", "80")),
        ("-A X ! -s 10.0.0.0/8 -d 10.0.0.1/32 -j Y", ("10.0.0.1", "", "")),
        ("-A X -d 10.0.0.0/24 -p tcp -j Y", ("", "tcp", "")),
        ("-A X ! -d 10.0.0.1/32 -j Y", ("", "", "")),
        ("-A X -d ::1/128 -j Y", ("::1", "", "")),
        ("-A X -d 0:0::1/128 -j Y", ("::1", "", "")),
        # What is asked before the port takes notice of packets for other ports, too.
        ("-A X -d 10.0.0.1/32 -p tcp -m limit --limit 1/sec -m tcp --dport 80 -j Y", ("10.0.0.1", "tcp", "")),
        ("-A X -p tcp -m tcp ! --dport 80 -j Y", ("", "tcp", "")),
        ("-A X -p tcp -m tcp --dport 80:81 -j Y", ("", "tcp", "")),
        ("-A X -p 6 -j Y", ("", "", "")),
        ("-A X -p tcp -m udp --dport 53 -j Y", ("", "tcp", "")),
        ('-A X -m comment --comment "-d 10.0.0.1/32 -p tcp" -j Y', ("", "", "")),
        ("-A X -j Y -d 10.0.0.1/32", ("", "", "")),
    ],
)
def test_key(text: str, key: tuple[str, str, str]) -> None:
    assert key_of(text) == key


def test_a_rule_that_moves_the_destination_stands_where_it_is() -> None:
    one = "-A X -d fd00::1/128 -j DNPT --src-pfx fd00::/64 --dst-pfx fd01::/64"
    other = "-A X -d fd01::1/128 -j DROP"
    assert not is_reordered([one, other], [other, one])
