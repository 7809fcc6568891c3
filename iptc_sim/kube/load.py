"""Texts to a Cluster: reads the objects, then does what the API server and the controllers would do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from iptc_sim.diagnostics import Diagnostic, InputError, Severity, SourceFile
from iptc_sim.kube.assign import assign_addresses
from iptc_sim.kube.controllers import run_controllers
from iptc_sim.kube.documents import Document, read_documents
from iptc_sim.kube.fields import Fields
from iptc_sim.kube.objects import Cluster, Deployment, Endpoints, EndpointSlice, Node, Pod, Service
from iptc_sim.kube.read_endpoints import read_endpoints, read_slice
from iptc_sim.kube.read_service import read_service
from iptc_sim.kube.read_workload import read_deployment, read_node, read_pod
from iptc_sim.kube.settings import Settings
from iptc_sim.records import dataclass, field, replace

Object = Service | Endpoints | EndpointSlice | Pod | Deployment | Node

#: The objects that are read, by API group and kind.
_READERS: Final[dict[tuple[str, str], Callable[[Fields, Fields, str], Object | None]]] = {
    ("", "Service"): read_service,
    ("", "Endpoints"): read_endpoints,
    ("discovery.k8s.io", "EndpointSlice"): read_slice,
    ("", "Pod"): read_pod,
    ("apps", "Deployment"): read_deployment,
    ("extensions", "Deployment"): read_deployment,
    ("", "Node"): read_node,
}


def load_cluster(sources: Iterable[SourceFile], settings: Settings | None = None) -> Cluster:
    """Read Kubernetes objects, and add what a cluster would: addresses, pods of Deployments, endpoints.

    Args:
        sources: YAML or JSON texts; several documents and List kinds are fine.
        settings: where addresses come from and which family comes first; default: kube-proxy's defaults.

    Raises:
        InputError: IPT003 (no object at all), IPT050 (not a Kubernetes object), IPT051 (a wrong field),
            IPT055 (neither YAML nor JSON).
        UsageError: IPT054, an address range of the settings is too small.
    """
    settings = settings or Settings()
    return run_controllers(assign_addresses(read_objects(sources), settings), settings)


def read_objects(sources: Iterable[SourceFile]) -> Cluster:
    """Read Kubernetes objects as they stand; nothing is assigned or computed.

    Raises:
        InputError: as :func:`load_cluster`.
    """
    store = _Store()
    for source in sources:
        empty = True
        for document in read_documents(source):
            empty = False
            for fields, version, kind in _objects(document):
                store.add(fields, version, kind)
        if empty:
            expected = "Service, Endpoints, EndpointSlice, Pod, Deployment or Node objects"
            raise InputError(Diagnostic("IPT003", "there is no object in it", subject=source.name, expected=expected))
    return store.cluster()


def _objects(document: Document) -> Iterator[tuple[Fields, str, str]]:
    """Yield the objects of a document with apiVersion and kind; a List's items may take them from it."""
    top = Fields(document, document.value) if isinstance(document.value, dict) else None
    version, kind = _identity(document, top)
    if top is None or not (kind.endswith("List") and top.has("items")):
        if top is not None:
            yield top, version, kind
        return
    for item in top.children("items"):
        item_kind = item.text("kind") or kind.removesuffix("List")
        if not item_kind or (item_kind.endswith("List") and item.has("items")):
            raise item.fault(
                "kind", "a List cannot stand inside a List" if item_kind else "it is missing", code="IPT050"
            )
        yield item, item.text("apiVersion") or version, item_kind


def _identity(document: Document, top: Fields | None) -> tuple[str, str]:
    version, kind = (top.text("apiVersion"), top.text("kind")) if top else ("", "")
    if version and kind:
        return version, kind
    missing = " and ".join(name for name, value in (("apiVersion", version), ("kind", kind)) if not value)
    message = f"this is not a Kubernetes object: it has no {missing}"
    expected = "a mapping with apiVersion and kind, such as apiVersion: v1, kind: Service"
    raise InputError(Diagnostic("IPT050", message, subject=document.name, expected=expected))


@dataclass(slots=True)
class _Store:
    """The objects read so far, by identity, and the notes about them."""

    objects: dict[tuple[str, str, str], Object] = field(default_factory=dict)
    skipped: dict[tuple[str, str], int] = field(default_factory=dict)
    notes: list[Diagnostic] = field(default_factory=list)

    def add(self, fields: Fields, version: str, kind: str) -> None:
        """Read an object; one of a kind that is not used is counted."""
        group = version.rpartition("/")[0]
        reader = _READERS.get((group, kind))
        if reader is None:
            key = (fields.document.source.name, kind)
            self.skipped[key] = self.skipped.get(key, 0) + 1
            return
        metadata = fields.child("metadata") or Fields(fields.document, {}, fields, "metadata")
        namespace = metadata.name("namespace", "default")
        found = reader(fields, metadata, namespace)
        if found is None:
            return
        key3 = (kind, namespace, found.name)
        if key3 in self.objects and found.name:
            message = f"{kind} {namespace}/{found.name} is given more than once; the last one counts"
            self.notes.append(Diagnostic("IPT051", message, Severity.NOTE, subject=fields.document.name))
        self.objects[key3 if found.name else (kind, namespace, f"#{len(self.objects)}")] = found

    def cluster(self) -> Cluster:
        """Return what was read."""
        found = list(self.objects.values())
        skipped = [
            Diagnostic("IPT050", f"{count} of kind {kind} not used here: skipped", Severity.NOTE, subject=name)
            for (name, kind), count in self.skipped.items()
        ]
        cluster = Cluster(
            services=tuple(item for item in found if isinstance(item, Service)),
            endpoints=tuple(item for item in found if isinstance(item, Endpoints)),
            slices=tuple(item for item in found if isinstance(item, EndpointSlice)),
            pods=tuple(item for item in found if isinstance(item, Pod)),
            deployments=tuple(item for item in found if isinstance(item, Deployment)),
            nodes=tuple(item for item in found if isinstance(item, Node)),
        )
        return replace(cluster, notes=(*skipped, *self.notes))
