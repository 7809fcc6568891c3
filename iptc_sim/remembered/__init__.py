"""What rules keep from packet to packet: buckets, tables, lists, sets that they change."""
