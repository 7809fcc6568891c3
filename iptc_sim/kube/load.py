"""Texts to a Cluster: reads the objects, then does what the API server and the controllers would do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from iptc_sim.diagnostics import Diagnostic, InputError, Severity, SourceFile
from iptc_sim.kube.assign import assign_addresses
from iptc_sim.kube.controllers import run_controllers
from iptc_sim.kube.documents import Document, read_documents
from iptc_sim.kube.fields import Fields
from iptc_sim.kube.objects import Cluster, Endpoints, EndpointSlice, Node, Pod, Service, Workload
from iptc_sim.kube.quick_objects import quick_service, quick_slice
from iptc_sim.kube.read_endpoints import read_endpoints, read_slice
from iptc_sim.kube.read_service import read_service
from iptc_sim.kube.read_workload import read_node, read_pod, read_workload
from iptc_sim.kube.settings import Settings
from iptc_sim.kube.validate import judge_together, odd_settings, unknown_fields
from iptc_sim.records import dataclass, field, replace

Object = Service | Endpoints | EndpointSlice | Pod | Workload | Node

#: The objects that are read, by API group and kind.
_READERS: Final[Mapping[tuple[str, str], Callable[[Fields, Fields, str], Object | None]]] = {
    ("", "Service"): read_service,
    ("", "Endpoints"): read_endpoints,
    ("discovery.k8s.io", "EndpointSlice"): read_slice,
    ("", "Pod"): read_pod,
    **{
        (group, kind): read_workload
        for group in ("apps", "extensions")
        for kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")
    },
    ("", "Node"): read_node,
}

#: Readers for objects as the API server prints them, which leave everything unusual to those above.
_QUICK: Final[Mapping[tuple[str, str], Callable[[Mapping[str, object], str], Object | None]]] = {
    ("v1", "Service"): quick_service,
    ("discovery.k8s.io/v1", "EndpointSlice"): quick_slice,
}


def load_cluster(sources: Iterable[SourceFile], settings: Settings | None = None) -> Cluster:
    """Read Kubernetes objects, and add what a cluster would: addresses, pods of workloads, endpoints.

    Args:
        sources: YAML or JSON texts; several documents and List kinds are fine.
        settings: where addresses come from and which family comes first; default: kube-proxy's defaults.

    Raises:
        InputError: IPT003 (no object at all), IPT050 (not a Kubernetes object), IPT051 (a wrong field),
            IPT055 (neither YAML nor JSON).
        UsageError: IPT054, an address range of the settings is too small.
    """
    settings = settings or Settings()
    cluster = run_controllers(assign_addresses(read_objects(sources), settings), settings)
    if not settings.skip_foreign_proxies:
        return cluster
    return replace(cluster, notes=tuple(note for note in cluster.notes if note.code != "IPT058"))


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
            _read_document(document, store)
        if empty:
            expected = "Services, Endpoints, EndpointSlices, Pods, what makes Pods, or Nodes"
            raise InputError(Diagnostic("IPT003", "there is no object in it", subject=source.name, expected=expected))
    return store.cluster()


def _read_document(document: Document, store: _Store) -> None:
    """Read the object of a document, or the items of its List, which may take apiVersion and kind from it."""
    top = Fields(document, document.value) if isinstance(document.value, dict) else None
    version, kind = _identity(document, top)
    if top is None:
        return
    if not (kind.endswith("List") and top.has("items")):
        store.add(top, version, kind)
        return
    for index, value in enumerate(top.items("items")):
        if store.add_quickly(value, f"{document.name}: items[{index}]"):
            continue
        item = Fields(document, value, top, "items", index)
        item_kind = item.text("kind") or kind.removesuffix("List")
        if not item_kind or (item_kind.endswith("List") and item.has("items")):
            raise item.fault(
                "kind", "a List cannot stand inside a List" if item_kind else "it is missing", code="IPT050"
            )
        store.add(item, item.text("apiVersion") or version, item_kind)


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

    def add_quickly(self, value: object, label: str) -> bool:
        """Read an object of a List if it is as the API server prints it; else read nothing and say so."""
        if not isinstance(value, dict):
            return False
        kind = value.get("kind")
        version = value.get("apiVersion")
        if type(kind) is not str or type(version) is not str:
            return False
        reader = _QUICK.get((version, kind))
        found = reader(value, label) if reader else None
        if found is None:
            return False
        self._keep(found, kind, label)
        return True

    def add(self, fields: Fields, version: str, kind: str) -> None:
        """Read an object; one of a kind that is not used is counted."""
        reader = _READERS.get((version.rpartition("/")[0], kind))
        if reader is None:
            key = (fields.document.source.name, kind)
            self.skipped[key] = self.skipped.get(key, 0) + 1
            return
        metadata = fields.child("metadata") or Fields(fields.document, {}, fields, "metadata")
        namespace = metadata.name("namespace", "default")
        found = reader(fields, metadata, namespace)
        self.notes += unknown_fields(fields, kind)
        if found is not None:
            self._keep(found, kind, fields.place())

    def _keep(self, found: Object, kind: str, label: str) -> None:
        # Nodes have no namespace, wherever somebody wrote one.
        namespace = "" if isinstance(found, Node) else found.namespace
        key = (kind, namespace, found.name)
        if key in self.objects and found.name:
            name = f"{namespace}/{found.name}".removeprefix("/")
            message = f"{kind} {name} is given more than once; the last one counts"
            self.notes.append(Diagnostic("IPT051", message, Severity.NOTE, subject=label))
        self.objects[key if found.name else (kind, namespace, f"#{len(self.objects)}")] = found

    def cluster(self) -> Cluster:
        """Return what was read.

        Raises:
            InputError: IPT051, two Services have the same cluster IP or node port.
        """
        found = list(self.objects.values())
        services = tuple(item for item in found if isinstance(item, Service))
        judge_together(services)
        skipped = [
            Diagnostic("IPT050", f"{count} of kind {kind} not used here: skipped", Severity.NOTE, subject=name)
            for (name, kind), count in self.skipped.items()
        ]
        return Cluster(
            services=services,
            endpoints=tuple(item for item in found if isinstance(item, Endpoints)),
            slices=tuple(item for item in found if isinstance(item, EndpointSlice)),
            pods=tuple(item for item in found if isinstance(item, Pod)),
            workloads=tuple(item for item in found if isinstance(item, Workload)),
            nodes=tuple(item for item in found if isinstance(item, Node)),
            notes=(*skipped, *self.notes, *(note for service in services for note in odd_settings(service))),
        )
