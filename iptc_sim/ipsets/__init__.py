"""Sets of ipset: what is in them, and how `ipset save` writes them."""
