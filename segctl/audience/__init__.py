"""Who is in an audience, computed on this machine instead of by SendGrid.

Translates queries into DuckDB's SQL (`to_duckdb`) and reads the tests that a segment file carries
(`cases`). The translation is pure; only `duckdb_engine` runs SQL. A query that cannot be translated
with certainty is refused, with its place and the reason: a wrong number is worse than none.
"""
