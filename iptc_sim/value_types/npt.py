"""The prefixes that SNPT and DNPT swap (ip6t_NPT.c)."""

from __future__ import annotations

import struct
from ipaddress import IPv6Address
from typing import Final

from iptc_sim.options import Reading
from iptc_sim.value_types.host import NetworkType, read_host
from iptc_sim.values import Address, Family, Prefix

#: The prefix of no bits is taken, but not printed.
NO_PREFIX: Final = Prefix(Family.IPV6, 0, 0)


class NptPrefixType(NetworkType):
    """A prefix of at most 64 bits without host bits: the translation works on the upper half of the address only."""

    expected = "an IPv6 prefix of at most /64"

    def read(self, words: tuple[str, ...], context: Reading) -> Prefix:
        """Return the prefix."""
        prefix = super().read(words, context)
        if (prefix.length or 0) > 64:
            raise ValueError(f"{words[0]} is longer than /64")
        if read_host(words[0].partition("/")[0], context.family) != prefix.address:
            raise ValueError(f"{words[0]} has bits set behind the prefix")
        return prefix


NPT_PREFIX: Final = NptPrefixType()


def translate_prefix(address: Address, old: Prefix, new: Prefix) -> Address | None:
    """Return an address with the new prefix, of the same sum as before so that no checksum changes (RFC 6296, 3).

    The rest of the sums goes into the fourth word of the address, with prefixes longer than 48 bits into the first word
    of its lower half that is not 0xffff; None where there is no such word. That the address begins with the old prefix
    is not asked for.
    """
    length = max(old.length or 0, new.length or 0)
    mask = ((1 << length) - 1) << (128 - length)
    words = list(struct.unpack("!8H", (int(address) & ~mask | new.network & mask).to_bytes(16)))
    place = 3 if length <= 48 else next((index for index in range(4, 8) if words[index] != 0xFFFF), None)
    if place is None:
        return None
    total = words[place] + _words(old) + sum(~word & 0xFFFF for word in struct.unpack("!8H", new.network.to_bytes(16)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    words[place] = 0 if total == 0xFFFF else total
    return IPv6Address(struct.pack("!8H", *words))


def _words(prefix: Prefix) -> int:
    return sum(struct.unpack("!8H", prefix.network.to_bytes(16)))
