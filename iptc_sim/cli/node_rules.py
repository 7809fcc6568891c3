"""A node's dump and kube-proxy's flags, for the commands that hold the one against the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from iptc_sim.cli.common import DumpFlags, read_ruleset
from iptc_sim.cli.kube_flags import KubeFlags, read_settings
from iptc_sim.records import replace

if TYPE_CHECKING:
    from iptc_sim.kube import Settings
    from iptc_sim.ruleset import Ruleset

#: The value of --release that asks for the one that fits best.
AUTO: Final = "auto"

_LAST_WITH_USERSPACE: Final = "1.25"


def read_node_rules(name: str, read: DumpFlags, flags: KubeFlags) -> Ruleset:
    """Read a dump; with ``--ipv6`` an IPv6 one.

    Raises:
        InputError: it cannot be used.
    """
    family = "6" if flags.ipv6 and read.family is None else read.family
    return read_ruleset([name], replace(read, family=family))


def meant(flags: KubeFlags, found: Ruleset) -> Settings:
    """Return kube-proxy's settings: the proxier of the dump's family; ``--release auto``: the newest with the mode.

    Raises:
        UsageError: IPT054 or IPT004, a flag has a value that it cannot have.
    """
    from iptc_sim.values import Family

    newest = _LAST_WITH_USERSPACE if flags.proxy_mode == "userspace" else "newest"
    release = newest if flags.release == AUTO else flags.release
    return read_settings(replace(flags, release=release, ipv6=found.family is Family.IPV6))
