"""A team's own contacts on this machine: a pulled base, or files that somebody exported.

Owns what it takes to count audiences in them: reading the files as typed relations (`files`), an
opened base (`base`), and all counts from one pass over the data (`counting`). Contacts stay inside
DuckDB, which reads only the columns that the queries ask: what leaves this room is counts, names of
columns, and masked addresses where a person asked for some.
"""
