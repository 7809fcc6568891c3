"""Packets as bytes: headers, sums, filters and hashes over them."""
