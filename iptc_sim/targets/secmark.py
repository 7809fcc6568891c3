"""``-j SECMARK``: label the packet for SELinux and its like (xt_SECMARK.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.options import Reading, option
from iptc_sim.target import Continue, Same, UniformTarget
from iptc_sim.value_types.text import Text


@extension
class SecmarkTarget(UniformTarget):
    """In mangle and security only; a kernel without such a security module refuses it."""

    NAME = "SECMARK"
    TABLES = frozenset({"mangle", "security"})

    selctx: str = option(Text("a security context", 255, quote=False), "--selctx", required=True)

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse an empty context."""
        if not self.selctx:
            raise ValueError("--selctx must not be empty")

    def objects(self) -> tuple[tuple[str, str], ...]:
        """Name the context, which a security module must know."""
        return (("security context", self.selctx),)

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Go on: nothing that chains or routing look at is changed."""
        return Continue(f"the security mark becomes {self.selctx}")
