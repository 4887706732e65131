"""A team's own contacts on this machine: pulled from the account, or files that someone exported.

Holds what it takes to count audiences: reading files as typed relations (`file_readers`), an opened
data set (`dataset`), and all counts from one pass over the data (`counter`). Contacts stay inside
DuckDB, which reads only the columns that the queries use. Only counts, column names and masked
addresses (on request) leave this room.
"""
