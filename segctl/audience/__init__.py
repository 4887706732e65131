"""Who is in an audience, computed on this machine instead of by SendGrid.

Owns the translation of a query into DuckDB's SQL (`translation`), and the tests that a segment
file carries (`cases`). Pure: nothing here runs SQL; that is `segctl.audience.duckdb_engine`'s.
What cannot be translated with certainty is refused with its place and the reason: a wrong number
is worse than none.
"""
