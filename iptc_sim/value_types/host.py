"""Addresses of machines, and networks whose mask may be refused: what targets that send or map packets take.

They are read as getaddrinfo reads them, so ``10`` is 0.0.0.10; ``-s`` and ``-d`` read the same word as 10.0.0.0.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Final

from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import parse_integer
from iptc_sim.records import dataclass
from iptc_sim.value_types.address import address_pattern, is_dotted, read_address
from iptc_sim.values import Address, Family, Prefix, address_text

_NUMERIC = frozenset("0123456789abcdefABCDEFxX.")


def read_host(text: str, family: Family) -> Address:
    """Read one address.

    Raises:
        ValueError: it is none of the family; host names are not looked up.
    """
    if family is Family.IPV6:
        return read_address(text, family)
    if not text or not _NUMERIC.issuperset(text):
        raise ValueError(f"{text or 'an empty word'} is not an IPv4 address; names are not looked up")
    if is_dotted(text):
        return read_address(text, family)
    import socket  # noqa: PLC0415 - 10 ms that only odd spellings need

    try:
        return IPv4Address(socket.inet_aton(text))
    except OSError:
        raise ValueError(f"{text} is not an IPv4 address") from None


def read_length(text: str, family: Family, *, holes: bool = True) -> int:
    """Read a prefix length or a mask.

    Args:
        text: the word.
        family: of the address that it belongs to.
        holes: whether a mask with holes is taken; libxtables has no length for it and falls back to all bits.

    Raises:
        ValueError: it is neither, or a mask with holes that is not taken.
    """
    number = parse_integer(text)
    if number is not None and number <= family.bits:
        return number
    try:
        mask = int(read_host(text, family))
    except ValueError:
        raise ValueError(f"{text} is neither a prefix length of IPv{int(family)} nor a mask") from None
    length = Prefix(family, 0, mask).length
    if length is None and not holes:
        raise ValueError(f"{text} is a mask with holes")
    return family.bits if length is None else length


class HostType(ValueType[Address]):
    """One address of the family."""

    expected = "an address"

    def read(self, words: tuple[str, ...], context: Reading) -> Address:
        """Return the address."""
        return read_host(words[0], context.family)

    def pattern(self, context: Reading) -> str | None:
        """Return addresses as iptables prints most of them."""
        return address_pattern(context.family)

    def write(self, value: Address) -> tuple[str, ...]:
        """Return the address, one that holds an IPv4 address with dots."""
        return (address_text(value),)


class NetworkType(ValueType[Prefix]):
    """``address[/length]`` or ``address/mask``; always printed with its length, host bits cleared."""

    expected = "an address, address/length or address/mask"

    def read(self, words: tuple[str, ...], context: Reading) -> Prefix:
        """Return the network."""
        text, slash, length = words[0].partition("/")
        address = read_host(text, context.family)
        return Prefix.of(address, read_length(length, context.family) if slash else None)


@dataclass(frozen=True, slots=True)
class HostNetwork:
    """An address and how many of its bits count; the others stay and are printed."""

    address: Address
    length: int

    def __contains__(self, address: object) -> bool:
        return address in Prefix.of(self.address, self.length)

    def __str__(self) -> str:
        text = address_text(self.address)
        return text if self.length == self.address.max_prefixlen else f"{text}/{self.length}"


class HostNetworkType(ValueType[HostNetwork]):
    """``address[/length]`` or ``address/mask``, a single address printed without its length."""

    expected = "an address, address/length or address/mask"

    def read(self, words: tuple[str, ...], context: Reading) -> HostNetwork:
        """Return the network."""
        text, slash, length = words[0].partition("/")
        bits = read_length(length, context.family) if slash else int(context.family.bits)
        return HostNetwork(read_host(text, context.family), bits)


HOST: Final = HostType()
NETWORK: Final = NetworkType()
HOST_NETWORK: Final = HostNetworkType()
