"""The prefixes that SNPT and DNPT swap (ip6t_NPT.c)."""

from __future__ import annotations

from typing import Final

from iptc_sim.options import Reading
from iptc_sim.value_types.host import NetworkType, read_host
from iptc_sim.values import Family, Prefix

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
