"""Names of well-known ports (IANA), so that a dump reads the same on a machine without /etc/services."""

from __future__ import annotations

from typing import Final

#: What is registered for both tcp and udp, and for one of them only, as Debian's /etc/services has it.
_BOTH: Final = {
    "echo": 7, "discard": 9, "daytime": 13, "chargen": 19, "time": 37, "tacacs": 49, "domain": 53, "kerberos": 88,
    "sunrpc": 111, "snmp": 161, "snmp-trap": 162, "snmptrap": 162, "ldap": 389, "https": 443, "syslog": 514,
    "ldaps": 636, "openvpn": 1194, "radius": 1812, "radius-acct": 1813, "nfs": 2049, "sip": 5060, "sip-tls": 5061,
}  # fmt: skip
_TCP: Final = _BOTH | {
    "tcpmux": 1, "systat": 11, "ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "whois": 43,
    "gopher": 70, "finger": 79, "http": 80, "pop3": 110, "auth": 113, "nntp": 119, "netbios-ssn": 139, "imap2": 143,
    "bgp": 179, "microsoft-ds": 445, "submissions": 465, "exec": 512, "login": 513, "printer": 515, "nntps": 563,
    "submission": 587, "ipp": 631, "rsync": 873, "ftps-data": 989, "ftps": 990, "telnets": 992, "imaps": 993,
    "pop3s": 995, "socks": 1080, "ms-sql-s": 1433, "mysql": 3306, "svn": 3690, "epmd": 4369, "xmpp-client": 5222,
    "postgresql": 5432, "amqps": 5671, "amqp": 5672, "x11": 6000, "http-alt": 8080,
}  # fmt: skip
_UDP: Final = _BOTH | {
    "bootps": 67, "bootpc": 68, "tftp": 69, "ntp": 123, "netbios-ns": 137, "netbios-dgm": 138, "isakmp": 500,
    "router": 520, "l2tp": 1701, "ipsec-nat-t": 4500, "mdns": 5353,
}  # fmt: skip
_PORTS: Final = {"tcp": _TCP, "udp": _UDP, "sctp": {"amqp": 5672}, "": _TCP | _UDP}


def service_port(name: str, protocol: str = "") -> int | None:
    """Return the port of a service name, case-sensitive; names beyond the list are asked of this machine.

    Args:
        name: of the service.
        protocol: that it must be registered for; empty for any.
    """
    port = _PORTS.get(protocol, {}).get(name)
    if port is not None or (protocol and name in _PORTS[""]):
        return port
    import socket  # noqa: PLC0415 - loaded for rare names only

    try:
        return socket.getservbyname(name, protocol) if protocol else socket.getservbyname(name)
    except (OSError, ValueError):
        return None
