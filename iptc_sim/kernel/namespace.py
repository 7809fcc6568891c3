"""A network namespace that cannot outlive us, and commands that run inside it.

A namespace here has no name: it is held by one thread of ours. When that thread or the whole process ends, by
whatever signal, the kernel takes the namespace, its interfaces and its rules away. Nothing is written to
``/run/netns``, so two processes cannot clash and nothing has to be swept up.

Source: unshare(2), network_namespaces(7).
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from iptc_sim.kernel.errors import KernelError

T = TypeVar("T")

#: Threads and files of ours are called so.
PREFIX: Final = "iptcsim"

_CLONE_NEWNET: Final = 0x40000000
_TIMEOUT: Final = 20.0

#: iptables-legacy locks a file in /run against other calls of itself. Ours have their namespace to
#: themselves, and must neither wait for the machine's own firewall nor hold it up.
_ENVIRONMENT: Final = {"XTABLES_LOCKFILE": "/dev/null", "LC_ALL": "C"}


class Namespace:
    """A fresh network namespace.

    Attributes:
        path: a path to it that ``ip ... netns PATH`` takes while it is open.

    Raises:
        KernelError: the kernel does not give one (not root, or namespaces are switched off).
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"{PREFIX}-netns")
        try:
            self.path = self.call(_enter_new_namespace)
        except BaseException:
            self.close()
            raise

    def call(self, action: Callable[[], T]) -> T:
        """Run ``action`` inside the namespace and return its result; sockets that it opens stay in there."""
        return self._thread.submit(action).result()

    def run(self, argv: Sequence[str], text: str = "") -> str:
        """Run a command inside, with ``text`` on its stdin.

        Returns:
            Its stdout.

        Raises:
            KernelError: it failed, hung or is not installed.
        """
        return self.call(lambda: run_command(argv, text))

    def start(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a command inside that goes on printing; it is killed when the namespace's thread ends.

        Raises:
            KernelError: it is not installed.
        """
        # The kernel's parent-death signal belongs to the thread that forked, which is just what is wanted
        # here.
        guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        return self.call(lambda: _start([*guard, *argv]))

    def set_sysctls(self, values: dict[str, str]) -> None:
        """Write sysctls given as ``net/ipv4/ip_forward``, passing over those that this kernel doesn't have.

        Raises:
            KernelError: one that exists cannot be written.
        """
        self.call(lambda: _write_sysctls(values))

    def close(self) -> None:
        """End the thread, and with it the namespace; may be called twice."""
        self._thread.shutdown(wait=True)


def run_command(argv: Sequence[str], text: str = "") -> str:
    """Run a command by its argument list.

    Returns:
        Its stdout.

    Raises:
        KernelError: it failed, took too long or is not installed.
    """
    try:
        done = subprocess.run(
            argv,
            input=text,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
            env=os.environ | _ENVIRONMENT,
        )
    except FileNotFoundError as error:
        raise KernelError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise KernelError(f"{' '.join(argv)} did not end within {_TIMEOUT:g} s") from error
    if done.returncode:
        raise KernelError(f"{' '.join(argv)}: {done.stderr.strip() or f'exit status {done.returncode}'}")
    return done.stdout


def _start(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except FileNotFoundError as error:
        raise KernelError(f"{argv[0]} is not installed") from error


def _enter_new_namespace() -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise KernelError(f"no network namespace: {os.strerror(ctypes.get_errno())}")
    return f"/proc/{os.getpid()}/task/{threading.get_native_id()}/ns/net"


def _write_sysctls(values: dict[str, str]) -> None:
    # /proc/sys/net shows the namespace of the thread that opens it.
    for name, value in values.items():
        path = Path("/proc/sys") / name
        if not path.exists():
            continue
        try:
            path.write_text(value)
        except OSError as error:
            raise KernelError(f"sysctl {name} cannot be set: {error.strerror}") from error
