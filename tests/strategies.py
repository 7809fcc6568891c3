"""Random rules drawn from the declarations of the extensions."""

from __future__ import annotations

from hypothesis import strategies as st

from iptc_sim.value_types.text import quoted

ADDRESS = st.integers(0, 2**32 - 1).map(lambda number: ".".join(map(str, number.to_bytes(4))))
PREFIX = st.builds(lambda address, length: f"{address}/{length}", ADDRESS, st.integers(1, 32))
PORT = st.integers(0, 65535).map(str)
PORTS = st.one_of(
    PORT, st.builds(lambda a, b: f"{min(a, b)}:{max(a, b)}", st.integers(1, 65535), st.integers(1, 65535))
)
NAME = st.text("abcdefXYZ019._-", min_size=1, max_size=12).filter(lambda text: text[0] not in "-!")
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=40).map(quoted)
MARK = st.integers(0, 2**32 - 1).map(hex)
STATES = st.lists(st.sampled_from(["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"]), min_size=1).map(",".join)
BANG = st.sampled_from(["", "! "])


def _option(name: str, value: st.SearchStrategy[str], *, bang: bool = True) -> st.SearchStrategy[str]:
    """An option that may be there or not, negated or not."""
    sign = BANG if bang else st.just("")
    return st.one_of(st.just(""), st.builds(lambda mark, text: f"{mark}{name} {text}", sign, value))


def _join(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda found: " ".join(part for part in found if part))


BASE = _join(
    _option("-s", PREFIX),
    _option("-d", PREFIX),
    _option("-i", st.sampled_from(["eth0", "eth+", "cali1234", "lo"])),
)
MATCH = st.one_of(
    _join(st.just("-m comment --comment"), TEXT),
    _join(st.just("-m mark"), st.builds(lambda sign, a, b: f"{sign}--mark {a}/{b}", BANG, MARK, MARK)),
    _join(
        st.just("-m conntrack"),
        st.builds(lambda sign, text: f"{sign}--ctstate {text}", BANG, STATES),
        _option("--ctorigdst", ADDRESS),
    ),
    _join(st.just("-m state"), st.builds(lambda sign, text: f"{sign}--state {text}", BANG, STATES)),
    _join(st.just("-m addrtype --dst-type"), st.sampled_from(["LOCAL", "UNICAST,LOCAL", "BROADCAST"])),
    st.floats(0, 1).map(lambda chance: f"-m statistic --mode random --probability {chance:.12f}"),
    st.tuples(st.integers(2, 99)).map(lambda n: f"-m statistic --mode nth --every {n[0]} --packet {n[0] - 1}"),
    _join(
        st.just("-m multiport"),
        st.builds(
            lambda sign, items: f"{sign}--dports {','.join(items)}", BANG, st.lists(PORT, min_size=1, max_size=7)
        ),
    ),
    _join(
        st.just("-m tcp"),
        _option("--sport", PORTS),
        _option("--dport", PORTS),
        _option("--tcp-flags", st.just("SYN,ACK SYN")),
    ),
    st.builds(
        lambda name, seconds: f"-m recent --name {name} --rcheck --seconds {seconds} --reap",
        NAME,
        st.integers(1, 99999),
    ),
)
TARGET = st.one_of(
    st.sampled_from(["-j ACCEPT", "-j DROP", "-j RETURN", "-j REJECT", "-j REJECT --reject-with tcp-reset", ""]),
    _join(st.just("-j LOG --log-prefix"), TEXT.filter(lambda text: text != '""')),
    st.builds(
        lambda option, mark: f"-j MARK {option} {mark}",
        st.sampled_from(["--set-mark", "--or-mark", "--and-mark", "--xor-mark"]),
        MARK,
    ),
)
RULE = st.builds(
    lambda base, matches, target: " ".join(f"-A FOO {base} -p tcp {' '.join(matches)} {target}".split(" ")),
    BASE,
    st.lists(MATCH, max_size=4, unique_by=lambda text: text.startswith("-m tcp") or text),  # nft joins two -m tcp
    TARGET,
)


def ladder(length: int, target: str = "DROP") -> str:
    """Return chains that each jump to the next: iptables-nft 1.8.9 loads 15 of them, iptables-legacy any number."""
    chains = [f":c{number} - [0:0]" for number in range(length)]
    jumps = ["-A FORWARD -j c0", *(f"-A c{number} -j c{number + 1}" for number in range(length - 1))]
    return "\n".join(["*filter", *chains, *jumps, f"-A c{length - 1} -j {target}", "COMMIT", ""])
