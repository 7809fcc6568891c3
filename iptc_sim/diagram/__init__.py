"""Decision diagrams over numbers in ranges: functions of all packets at once, equal where they are the same object."""
