"""What a ruleset does with all packets at once, as decision diagrams.

The public names, by module:

* ``variables``: ``Space.of(rulesets, node=None)``: the variables that two rulesets share (``diagrams``, ``level``,
  ``variable``, ``point``, ``fields``, ``answers``, ``describe``, ``possible(local=)``,
  ``assumptions``);
  ``interface_number``, ``interface_spans``, ``interface_name``.
* ``store``: ``Store`` (what a walk has changed so far) and its terms ``KEPT, Value, OneOf, Moved, Own, Drawn, Opaque,
  BitTerm``; ``Entry``.
* ``odds``: ``Distributions`` (``at(f, point)``, ``exact``, ``leaves``, ``same``), ``Split`` and ``Then``: drawn values.
* ``conditions``: ``Conditions(space).of(constraint, store)``: a constraint as a diagram of True and False.
* ``outcome``: ``Outcome`` (one end of a packet), ``differing(space, f, g)``: where two behaviours differ.
* ``index``: ``ChainIndex(rules)`` (``slice(destination, port)``).
* ``reading``: ``Reading(ruleset)``: rules taken apart and indexed once (``Space.reading(ruleset)``).
* ``summaries``: ``Summaries(space, ruleset, cell=None)``: ``chain(table, hook, name, store)``; the leaves ``Leave``,
  ``Accepted`` and ``Outcome``; ``undecided``.
* ``pipeline``: ``behaviour(space, ruleset, entry, cell=None)``, ``walk(space, ruleset, hook, table, cell=None)``,
  ``Entrance.ARRIVING`` and ``Entrance.LOCAL``; ``Pipeline`` for both with one memory and ``undecided``.

Packets that begin a connection (NEW, or RELATED and the first of an expected one) walk nat; of all others the
translation is settled, and taken as none, as the engine takes it of a flow that is told to exist. A behaviour holds for
both: the ctstate is one of its variables. Behaviours of one ``Space`` are equal where they are the same object or where
``differing`` is False everywhere; within a cell only what lies in it counts.

What is assumed, beside what :attr:`Space.assumptions` says: packets are whole and well-formed, both rulesets stand on
the same node with the same connections and the same sets.
"""
