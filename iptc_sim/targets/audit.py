"""``-j AUDIT``: a record for the audit daemon, then on (xt_AUDIT.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.options import Reading, option
from iptc_sim.target import Continue, Same, UniformTarget
from iptc_sim.value_types.choice import Choice


class RecordType(Choice):
    """What the record says of the packet, in any case."""

    def read(self, words: tuple[str, ...], context: Reading) -> str:
        """Return it in lower case."""
        return super().read((words[0].lower(),), context)


@extension
class AuditTarget(UniformTarget):
    """``--type`` labels the record; it decides nothing, the packet goes on."""

    NAME = "AUDIT"

    record: str = option(RecordType(("accept", "drop", "reject")), "--type", required=True)

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Write the record and go on."""
        return Continue(f"audited as {self.record}")
