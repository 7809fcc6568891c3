"""Whether two rulesets treat some packet differently, and who can reach what: proven, or said what could not be."""
