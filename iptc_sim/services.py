"""Names of well-known ports (IANA), so that a dump reads the same on a machine without /etc/services."""

from __future__ import annotations

import socket
from typing import Final

_PORTS: Final = {
    "tcpmux": 1, "echo": 7, "discard": 9, "systat": 11, "daytime": 13, "chargen": 19, "ftp-data": 20, "ftp": 21,
    "ssh": 22, "telnet": 23, "smtp": 25, "time": 37, "whois": 43, "tacacs": 49, "domain": 53, "bootps": 67,
    "bootpc": 68, "tftp": 69, "gopher": 70, "finger": 79, "http": 80, "kerberos": 88, "pop3": 110, "sunrpc": 111,
    "auth": 113, "nntp": 119, "ntp": 123, "netbios-ns": 137, "netbios-dgm": 138, "netbios-ssn": 139, "imap2": 143,
    "snmp": 161, "snmp-trap": 162, "snmptrap": 162, "bgp": 179, "ldap": 389, "https": 443,
    "microsoft-ds": 445, "submissions": 465, "isakmp": 500, "exec": 512, "login": 513, "syslog": 514, "printer": 515,
    "router": 520, "ipp": 631, "nntps": 563, "submission": 587, "ldaps": 636, "rsync": 873, "ftps-data": 989,
    "ftps": 990, "telnets": 992, "imaps": 993, "pop3s": 995, "socks": 1080, "openvpn": 1194, "ms-sql-s": 1433,
    "l2tp": 1701, "radius": 1812, "radius-acct": 1813, "nfs": 2049, "mysql": 3306, "svn": 3690, "epmd": 4369,
    "ipsec-nat-t": 4500, "sip": 5060, "sip-tls": 5061, "xmpp-client": 5222, "mdns": 5353, "postgresql": 5432,
    "amqps": 5671, "amqp": 5672, "x11": 6000, "http-alt": 8080,
}  # fmt: skip


def service_port(name: str) -> int | None:
    """Return the port of a service name, case-sensitive; names beyond the list are asked of this machine."""
    port = _PORTS.get(name)
    if port is not None:
        return port
    try:
        return socket.getservbyname(name)
    except (OSError, ValueError):
        return None
