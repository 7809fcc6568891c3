"""Just enough of netlink to talk with netfilter.

Source: include/uapi/linux/netlink.h, include/uapi/linux/netfilter/nfnetlink.h.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.namespace import Namespace

NETLINK_NETFILTER: Final = 12
_ERROR: Final = 2
_DONE: Final = 3
_REQUEST: Final = 1
_ACK: Final = 4
_DUMP: Final = 0x300
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
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

    def request(self, kind: int, body: bytes = b"", family: int = socket.AF_UNSPEC) -> None:
        """Send a request and wait for its acknowledgement.

        Args:
            kind: subsystem and message number.
            body: its attributes.
            family: protocol family that it is about.

        Raises:
            KernelError: it was refused.
        """
        self._socket.send(_message(kind, _REQUEST | _ACK, body, family))
        self._acknowledged()

    def batch(self, subsystem: int, requests: Iterable[bytes]) -> None:
        """Send requests that take effect together, the first and the only one that is acknowledged being the last.

        Raises:
            KernelError: they were refused.
        """
        begin = _message(_BATCH_BEGIN, _REQUEST, b"", 0, subsystem)
        end = _message(_BATCH_END, _REQUEST | _ACK, b"", 0, subsystem)
        self._socket.send(begin + b"".join(requests) + end)
        self._acknowledged()

    def dump(self, kind: int, body: bytes = b"", family: int = socket.AF_UNSPEC) -> Iterator[dict[int, bytes]]:
        """Yield the attributes of every object that a request lists.

        Raises:
            KernelError: it was refused.
        """
        self._socket.send(_message(kind, _REQUEST | _DUMP, body, family))
        while True:
            for number, answer in _messages(self._socket.recv(1 << 18)):
                if number == _DONE:
                    return
                if number == _ERROR:
                    _refused(answer)
                else:
                    yield attributes(answer[4:])

    def get(self, kind: int, body: bytes, family: int) -> dict[int, bytes] | None:
        """Return the attributes of the one object that a request names; None where there is none.

        Raises:
            KernelError: it was refused.
        """
        self._socket.send(_message(kind, _REQUEST, body, family))
        for number, answer in _messages(self._socket.recv(1 << 16)):
            if number != _ERROR:
                return attributes(answer[4:])
            if struct.unpack_from("=i", answer)[0] == -errno.ENOENT:
                return None
            _refused(answer)
        raise KernelError("netfilter does not answer")

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

    def _acknowledged(self) -> None:
        for number, answer in _messages(self._socket.recv(1 << 16)):
            if number == _ERROR:
                _refused(answer)


def request_message(kind: int, body: bytes, family: int) -> bytes:
    """Return a request for :meth:`NetfilterSocket.batch`."""
    return _message(kind, _REQUEST, body, family)


def attribute(kind: int, value: bytes) -> bytes:
    """Return an attribute of a message, padded."""
    return struct.pack("=HH", 4 + len(value), kind) + value.ljust(-(-len(value) // 4) * 4, b"\0")


def nested(kind: int, *values: bytes) -> bytes:
    """Return an attribute that holds others."""
    return attribute(kind | 0x8000, b"".join(values))


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


def _message(kind: int, flags: int, body: bytes, family: int, resource: int = 0) -> bytes:
    head = struct.pack("!BBH", family, 0, resource)
    return struct.pack("=IHHII", 20 + len(body), kind, flags, 1, 0) + head + body


def _refused(answer: bytes) -> None:
    code = struct.unpack_from("=i", answer)[0]
    if code:
        raise KernelError(f"netfilter refuses a request: errno {-code}")


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        if length < 16:
            return
        yield kind, data[16:length]
        data = data[-(-length // 4) * 4 :]
