"""Rulesets as functions of all packets: what a chain, a hook, a whole way does."""
