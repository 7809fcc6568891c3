"""How long reading a kube-proxy dump takes, as ratios in one interleaved run: ``python -m tests.bench.reading [SERVICES]``.

Baselines: the same reader without stored shapes (Lark judges every line), and ``iptables-nft-restore --test`` where it is
installed. CPU seconds of a whole process each, median of five, inputs made here.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from iptc_sim.kube.names import endpoint_chain, service_hash

_READ = "import sys; from iptc_sim import read_rules; read_rules(sys.argv[1])"
_PLAIN = "import sys, iptc_sim.syntax.shapes as s; s.MAX_SHAPES = 0; from iptc_sim import read_rules; read_rules(sys.argv[1])"


def dump(services: int, endpoints: int) -> str:
    """Return the nat table of a node with that many ClusterIP Services."""
    chains: list[str] = []
    rules: list[str] = []
    for number in range(services):
        name = f"ns{number % 50}/svc{number}:http"
        address = f"10.{96 + number // 65536}.{number // 256 % 256}.{number % 256}"
        service = f"KUBE-SVC-{service_hash(name, 'tcp')}"
        chains.append(service)
        rules.append(
            f'-A KUBE-SERVICES -d {address}/32 -p tcp -m comment --comment "{name} cluster IP" -m tcp --dport 80 -j {service}'
        )
        for index in range(endpoints):
            target = f"10.{128 + number // 8192}.{number // 32 % 256}.{number % 32 * 8 + index}:8080"
            chain = endpoint_chain(name, "tcp", target)
            chains.append(chain)
            left = endpoints - index
            draw = f"-m statistic --mode random --probability {1 / left:.11f} " if left > 1 else ""
            rules.append(f'-A {service} -m comment --comment "{name} -> {target}" {draw}-j {chain}')
            rules.append(f'-A {chain} -s {target[:-5]}/32 -m comment --comment "{name}" -j KUBE-MARK-MASQ')
            rules.append(f'-A {chain} -p tcp -m comment --comment "{name}" -m tcp -j DNAT --to-destination {target}')
    fixed = ["KUBE-SERVICES", "KUBE-MARK-MASQ"]
    lines = [f":{chain} - [0:0]" for chain in [*fixed, *chains]]
    return "\n".join(["*nat", *lines, "-A PREROUTING -j KUBE-SERVICES", *rules, "COMMIT", ""])


def cpu(command: list[str]) -> float:
    """Run a command and return its CPU seconds, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Print the ratios."""
    services = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    text = dump(services, 3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "node.save"
        path.write_text(text)
        commands = {
            "iptc-sim": [sys.executable, "-c", _READ, str(path)],
            "every line by Lark": [sys.executable, "-c", _PLAIN, str(path)],
        }
        if restore := shutil.which("iptables-nft-restore"):
            commands["iptables-nft-restore --test"] = [restore, "--test", str(path)]
        seen: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(5):
            for name, command in commands.items():
                seen[name].append(cpu(command))
    print(f"{services} Services of 3 endpoints, {text.count(chr(10)):,} lines")  # noqa: T201
    ours = median(seen["iptc-sim"])
    for name, times in seen.items():
        print(f"{name:<28} {median(times):7.2f} s CPU   iptc-sim takes {ours / median(times):.2f} of it")  # noqa: T201


if __name__ == "__main__":
    main()
