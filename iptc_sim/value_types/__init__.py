"""The value types that options share: how a port, a mark, an address, a rate is read and printed."""
