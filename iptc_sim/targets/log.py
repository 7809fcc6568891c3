"""``-j LOG``: a line in the kernel log, then on (xt_LOG.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.options import Reading, ValueType, flag, option
from iptc_sim.protocols import parse_integer
from iptc_sim.target import Continue, Same, UniformTarget
from iptc_sim.value_types.text import Text

LEVELS = {
    "emerg": 0, "panic": 0, "alert": 1, "crit": 2, "error": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7,
}  # fmt: skip


class LevelType(ValueType[int]):
    """A syslog level, name or number; printed as a number."""

    expected = "a level 0-7 or its name, such as warning"

    def read(self, words: tuple[str, ...], context: Reading) -> int:  # noqa: ARG002 - the interface
        """Return the number."""
        level = LEVELS.get(words[0], parse_integer(words[0]))
        if level is None or level > 7:
            raise ValueError(f"{words[0]} is not a log level")
        return level


@extension
class LogTarget(UniformTarget):
    """The prefix is cut to 29 bytes; level 4 (warning) is not printed."""

    NAME = "LOG"

    log_prefix: str | None = option(Text("a text", 29, least=1), "--log-prefix")
    log_level: int = option(LevelType(), "--log-level", default=4, hidden=4)
    log_tcp_sequence: bool = flag("--log-tcp-sequence")
    log_tcp_options: bool = flag("--log-tcp-options")
    log_ip_options: bool = flag("--log-ip-options")
    log_uid: bool = flag("--log-uid")
    log_macdecode: bool = flag("--log-macdecode")

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Log and go on."""
        return Continue(f'logged "{self.log_prefix}"' if self.log_prefix else "logged")
