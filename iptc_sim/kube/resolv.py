"""A pod's resolv.conf, and the names that its resolver asks for (pkg/kubelet/network/dns; resolv.conf(5))."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from iptc_sim.kube.objects import Pod
from iptc_sim.records import dataclass

#: kubelet's --cluster-domain and --cluster-dns as kubeadm sets them.
CLUSTER_DOMAIN: Final = "cluster.local"
CLUSTER_DNS: Final = "10.96.0.10"

#: What a name needs in dots to be tried as it is first, in a pod and where nothing is said.
_CLUSTER_NDOTS: Final = "5"
_DEFAULT_NDOTS: Final = 1
_MOST_NDOTS: Final = 15  # resolv.conf(5)


@dataclass(frozen=True, slots=True)
class Resolv:
    """A resolv.conf.

    Args:
        options: name and value, the value empty for none.
    """

    nameservers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()

    @property
    def ndots(self) -> int:
        """How many dots make a name be tried as it is first."""
        value = dict(self.options).get("ndots", "")
        return min(int(value), _MOST_NDOTS) if value.isascii() and value.isdecimal() else _DEFAULT_NDOTS

    @property
    def text(self) -> str:
        """The file."""
        lines = [f"nameserver {address}" for address in self.nameservers]
        lines += [f"search {' '.join(self.search)}"] if self.search else []
        words = [f"{name}:{value}" if value else name for name, value in self.options]
        return "".join(f"{line}\n" for line in [*lines, *([f"options {' '.join(words)}"] if words else [])])


def read_resolv(text: str) -> Resolv:
    """Return a resolv.conf; of several ``search`` lines the last one counts, as for the C library."""
    nameservers: list[str] = []
    search: tuple[str, ...] = ()
    options: list[tuple[str, str]] = []
    for line in text.splitlines():
        keyword, *words = line.split("#")[0].split(";")[0].split() or [""]
        if keyword == "nameserver":
            nameservers += words[:1]
        elif keyword in {"search", "domain"}:
            search = tuple(word.removesuffix(".") or "." for word in words)
        elif keyword == "options":
            options += [(name, value) for name, _, value in (word.partition(":") for word in words)]
    return Resolv(tuple(nameservers), search, tuple(options))


def resolv_of(
    pod: Pod | None,
    namespace: str,
    host: Resolv = Resolv(),  # noqa: B008 - it is frozen
    *,
    domain: str = CLUSTER_DOMAIN,
    servers: tuple[str, ...] = (CLUSTER_DNS,),
) -> Resolv:
    """Return the resolv.conf that kubelet gives to a pod.

    Args:
        pod: the pod; None: one that says nothing about DNS.
        namespace: the pod's.
        host: the node's resolv.conf, kubelet's ``--resolv-conf``.
        domain: kubelet's ``--cluster-domain``.
        servers: kubelet's ``--cluster-dns``.
    """
    policy = pod.spec.dns_policy if pod else "ClusterFirst"
    if policy == "ClusterFirst" and pod and pod.spec.host_network:
        policy = "Default"
    if policy == "None":
        found = Resolv()
    elif policy == "Default":
        found = host
    else:
        search = _unique((f"{namespace}.svc.{domain}", f"svc.{domain}", domain, *host.search))
        found = Resolv(servers, search, (("ndots", _CLUSTER_NDOTS),))
    config = pod.spec.dns_config if pod else None
    if config is None:
        return found
    return Resolv(
        _unique((*found.nameservers, *config.nameservers)),
        _unique((*found.search, *config.searches)),
        tuple({**dict(found.options), **dict(config.options)}.items()),
    )


def tries(name: str, resolv: Resolv) -> Iterator[str]:
    """Yield the names that a resolver asks for, one after the other, each with its final dot.

    A name with a final dot is asked for as it is and not otherwise. One with fewer dots than ``ndots`` goes through
    the search list first, others are tried as they are before.
    """
    if name.endswith("."):
        yield name
        return
    absolute = f"{name}."
    searched = [absolute if suffix == "." else f"{name}.{suffix.removesuffix('.')}." for suffix in resolv.search]
    yield from (absolute, *searched) if name.count(".") >= resolv.ndots else (*searched, absolute)


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
