"""The meaning of a segments folder's git history: who was declared when, who is gone, what changed.

`git` reads the repository; the other modules are pure functions of what it read: `commits` has the
values, `name_scan` the quick look at a file, `file_states` the files over time, `timeline` the names
over time and their removals, `audit` the events and renames. Does not decide whether a segment may be deleted (`planning`).
"""
