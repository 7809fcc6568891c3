"""What can go wrong with the kernel's side.

::

    KernelError             the kernel could not be asked (a tool failed, hung, or is missing)
    +-- RulesRefusedError   iptables-restore does not take the rules
"""

from __future__ import annotations


class KernelError(Exception):
    """The kernel could not be asked; the message says what was tried and what came back."""


class RulesRefusedError(KernelError):
    """iptables-restore refused the rules; the message is its own."""
