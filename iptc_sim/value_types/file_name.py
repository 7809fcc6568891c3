"""Names that become files in /proc or /sys."""

from __future__ import annotations


def not_a_file_name(label: str, name: str) -> str:
    """Return why the kernel refuses the name of an object that it shows as a file; empty where it takes it."""
    if name and name not in {".", ".."} and "/" not in name:
        return ""
    return f"{label} {name or 'of no letters'} cannot be the name of a file"
