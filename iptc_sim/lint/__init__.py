"""What is odd in a ruleset that loads: rules that never match, chains that nothing uses, odds that are uneven."""
