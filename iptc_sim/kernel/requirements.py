"""Whether this machine can run a Lab, and if not, why not."""

from __future__ import annotations

import os
import shutil
import sys
from functools import cache
from typing import Final

from iptc_sim.kernel import tracing
from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.values import Variant

_TOOLS: Final = {
    Variant.NFT: ("ip", "nft", "xtables-monitor", "iptables-nft-restore", "ip6tables-nft-restore"),
    Variant.LEGACY: ("ip", "nft", "iptables-legacy-restore", "ip6tables-legacy-restore"),
}
_TRY: Final = "*raw\nCOMMIT\n*nat\nCOMMIT\n*mangle\nCOMMIT\n*filter\nCOMMIT\n"


@cache
def requirements(variant: str = "nft") -> str:
    """Return why a Lab with this back end cannot run here, in words; an empty string where it can.

    Nothing outside a namespace of its own is touched by finding out.
    """
    back_end = Variant(variant)
    if sys.platform != "linux":
        return "this is not Linux"
    if os.geteuid():
        return "network namespaces need root"
    if missing := [tool for tool in _TOOLS[back_end] if shutil.which(tool) is None]:
        return f"not installed: {', '.join(missing)}"
    try:
        namespace = Namespace()
    except KernelError as error:
        return str(error)
    try:
        namespace.set_sysctls({"net/ipv4/ip_forward": "1"})
        namespace.run(["nft", "-f", "-"], tracing.tables(quiet=True))
        namespace.run([f"iptables-{back_end}-restore"], _TRY)
    except KernelError as error:
        return f"the kernel does not do what is needed: {error}"
    finally:
        namespace.close()
    return ""
