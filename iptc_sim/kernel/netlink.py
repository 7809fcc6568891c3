"""Just enough of netlink to read what netfilter sends.

Source: include/uapi/linux/netlink.h, include/uapi/linux/netfilter/nfnetlink.h.
"""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Iterator
from typing import Final

from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.namespace import Namespace

NETLINK_NETFILTER: Final = 12
_ERROR: Final = 2
_REQUEST_ACK: Final = 1 | 4
_SOL_NETLINK: Final = 270
_ADD_MEMBERSHIP: Final = 1
_BUFFER: Final = 1 << 22


class NetfilterSocket:
    """A netlink socket to netfilter inside a namespace.

    Args:
        namespace: where it is opened.

    Attributes:
        interfaces: the names of the namespace's interfaces by their numbers.
    """

    def __init__(self, namespace: Namespace) -> None:
        self.interfaces = namespace.call(lambda: dict(socket.if_nameindex()))
        self._socket = namespace.call(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.bind((0, 0))

    def join(self, group: int) -> None:
        """Listen to a multicast group."""
        self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)

    def request(self, kind: int, attribute: int, value: bytes) -> None:
        """Send a request with one attribute and wait for its acknowledgement.

        Raises:
            KernelError: it was refused.
        """
        body = struct.pack("!BBH", socket.AF_UNSPEC, 0, 0)
        body += struct.pack("=HH", 4 + len(value), attribute) + value.ljust(-(-len(value) // 4) * 4, b"\0")
        self._socket.send(struct.pack("=IHHII", 16 + len(body), kind, _REQUEST_ACK, 1, 0) + body)
        for answered, answer in _messages(self._socket.recv(1 << 16)):
            code = struct.unpack_from("=i", answer)[0] if answered == _ERROR else 0
            if code:
                raise KernelError(f"netfilter refuses a request: errno {-code}")

    def receive(self, kind: int, timeout: float) -> list[dict[int, bytes]]:
        """Return the attributes of the messages of one kind that have come in.

        Args:
            kind: subsystem and message number.
            timeout: how long to wait for the first, in seconds.

        Raises:
            KernelError: messages were lost.
        """
        found: list[dict[int, bytes]] = []
        while select.select([self._socket], [], [], 0 if found else timeout)[0]:
            try:
                data = self._socket.recv(1 << 16)
            except OSError as error:
                raise KernelError(f"the trace was lost: {error.strerror}") from error
            found += [attributes(body[4:]) for number, body in _messages(data) if number == kind]
        return found

    def interface(self, index: bytes | None) -> str | None:
        """Return the name of an interface by the bytes of its number; None without one."""
        return self.interfaces.get(int.from_bytes(index)) if index else None

    def close(self) -> None:
        """Close the socket; may be called twice."""
        self._socket.close()


def attributes(data: bytes) -> dict[int, bytes]:
    """Return the attributes of a message body, or of a nested attribute, by their numbers."""
    found: dict[int, bytes] = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[4:length]
        data = data[-(-length // 4) * 4 :]
    return found


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        if length < 16:
            return
        yield kind, data[16:length]
        data = data[-(-length // 4) * 4 :]
