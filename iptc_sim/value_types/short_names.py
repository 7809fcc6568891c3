"""Lists of names that may be shortened."""

from __future__ import annotations

from iptc_sim.options import Reading
from iptc_sim.value_types.choice import NameList
from iptc_sim.values import Names


class ShortNameList(NameList):
    """A comma list out of fixed names in any case; a word is the first name that begins so."""

    def read(self, words: tuple[str, ...], context: Reading) -> Names:
        """Return the set of names."""
        full = [self._full(word) for word in words[0].upper().split(",")]
        return super().read((",".join(full),), context)

    def _full(self, word: str) -> str:
        return next((name for name in self.order if word and name.startswith(word)), word)
