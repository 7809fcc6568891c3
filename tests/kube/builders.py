"""Short ways to write objects in tests."""

from __future__ import annotations

from iptc_sim.diagnostics import Diagnostic, SourceFile
from iptc_sim.kube import Cluster, Settings, load_cluster, restore_text
from iptc_sim.resources import resource_text


def cluster(*texts: str, settings: Settings | None = None) -> Cluster:
    return load_cluster([SourceFile(f"{number}.yaml", text) for number, text in enumerate(texts, 1)], settings)


def fixture(*parts: str) -> SourceFile:
    return SourceFile(parts[-1], resource_text("fixtures", *parts))


def service(spec: str, name: str = "web", metadata: str = "", status: str = "{}") -> str:
    return f"{{apiVersion: v1, kind: Service, metadata: {{name: {name}, {metadata}}}, spec: {spec}, status: {status}}}"


def endpoints(*addresses: str, name: str = "web", port: str = "{port: 8080}") -> str:
    found = ", ".join(f"{{ip: '{address}'}}" for address in addresses)
    return (
        f"{{apiVersion: v1, kind: Endpoints, metadata: {{name: {name}}}, "
        f"subsets: [{{addresses: [{found}], ports: [{port}]}}]}}"
    )


def endpoint_slice(*endpoints: str, name: str = "web", ports: str = "[{port: 8080}]", family: str = "IPv4") -> str:
    return (
        "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, "
        f"metadata: {{name: {name}-1, labels: {{kubernetes.io/service-name: {name}}}}}, "
        f"addressType: {family}, ports: {ports}, endpoints: [{', '.join(endpoints)}]}}"
    )


def pod(name: str, labels: str, address: str, *, ready: bool = True, extra: str = "", spec: str = "{}") -> str:
    return (
        f"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, labels: {labels}, {extra}}}, spec: {spec}, status: "
        f"{{phase: Running, podIP: {address}, conditions: [{{type: Ready, status: '{ready}'}}]}}}}"
    )


def node(name: str, labels: str = "{}", cpu: str = "'4'") -> str:
    return (
        f"{{apiVersion: v1, kind: Node, metadata: {{name: {name}, labels: {labels}}}, "
        f"status: {{addresses: [{{type: InternalIP, address: 192.168.0.{ord(name[-1])}}}], allocatable: {{cpu: {cpu}}}}}}}"
    )


def rules(found: Cluster, settings: Settings, *chains: str) -> list[str]:
    """Return the rules of the restore text that are in a chain whose name starts so."""
    lines = restore_text(found, settings).splitlines()
    return [line for line in lines if line.startswith(tuple(f"-A {chain}" for chain in chains))]


def codes(notes: tuple[Diagnostic, ...]) -> list[str]:
    return [note.code for note in notes]
