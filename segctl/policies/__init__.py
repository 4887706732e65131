"""Policies about people: what must be true of the contacts in a segment, and whether it is.

A policy on people is a `Claim` about two audiences (`claims`)::

    everyone(segment, "marketing_consent = 'yes'")      nobody(segment, "country = 'XX'")
    subset_of(segment, other_segment)                   disjoint(segment, other_segment)

`Prover(fields).proves(claim)` says whether the queries alone show that no contact can break it.
Where they do not, `claim.pair` is counted, with any number of other pairs in one pass::

    counted = count_audiences(dataset, [claim.pair for claim in claims], now)
    verdict_of(claim, proven=False, result=counted.results[index])

A verdict is `Proven`, `Held` (counted: no contact breaks it now), `Refuted` (counted: so many do)
or `Unknown`. The queries, also those of conditions, must be bound: names in place of ids and values
replaced (`declarations.binder`). Reads no settings, counts nothing and words nothing.
"""
