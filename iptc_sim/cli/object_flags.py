"""``--objects``: Kubernetes objects whose names may stand in flows, and that tell what chains stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from iptc_sim.cli.common import say
from iptc_sim.records import dataclass

if TYPE_CHECKING:
    from iptc_sim.flows.resolver import Resolver
    from iptc_sim.kube import Cluster, Settings
    from iptc_sim.kube.addresses import ObjectResolver
    from iptc_sim.kube.names_of import ChainName


@dataclass(frozen=True)
class ObjectFlags:
    """Objects beside the rules."""

    objects: Annotated[
        list[str] | None,
        typer.Option(
            "--objects",
            metavar="FILE",
            help="Kubernetes objects: svc/NS/NAME:PORT, pod/NS/NAME and DNS names in flows; repeatable.",
        ),
    ] = None
    from_namespace: Annotated[
        str, typer.Option("--from-namespace", metavar="NS", help="Where names without a namespace are looked up.")
    ] = "default"


@dataclass(frozen=True, slots=True)
class Named:
    """What objects tell.

    Args:
        resolver: turns names in flows into addresses; None without objects.
        chains: what chains stand for.
        cluster: the objects; None without.
    """

    resolver: ObjectResolver | None
    chains: Mapping[str, ChainName]
    cluster: Cluster | None = None

    @property
    def names(self) -> Resolver | None:
        """What flows are read with."""
        return self.resolver

    def tell(self) -> None:
        """Say what was noticed when names were resolved."""
        if self.resolver is not None:
            say(self.resolver.notes)


def read_named(flags: ObjectFlags, family: str | None) -> Named:
    """Read the objects that the flags name.

    Args:
        flags: the options.
        family: ``4`` or ``6``, the family that names are resolved in first; None: IPv4.

    Raises:
        InputError: a file cannot be used.
    """
    if not flags.objects:
        return Named(None, {})
    from iptc_sim.cli.kube_flags import read_cluster
    from iptc_sim.kube import Settings
    from iptc_sim.kube.names_of import object_names
    from iptc_sim.values import Family

    settings = Settings(family=Family.IPV6 if family == "6" else Family.IPV4)
    cluster = read_cluster(flags.objects, settings)
    return Named(resolver_of(cluster, settings, flags.from_namespace), object_names(cluster, settings), cluster)


def resolver_of(cluster: Cluster, settings: Settings, namespace: str) -> ObjectResolver:
    """Return what turns names in flows into addresses, DNS names included."""
    from iptc_sim.kube.addresses import ObjectResolver, dns_lookup

    return ObjectResolver(cluster, settings, dns_lookup(cluster), namespace)
