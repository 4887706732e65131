"""The meaning of a segments folder's git history: who was declared when, who is gone, what changed.

`git` reads the repository, with `folder_history`, `moved_over` and `other_projects`; the other
modules are functions of what these read: `commits` has the values, `name_scan` the quick look at a
file, `places` the accounts and folders, `file_states` the files over time, `timeline` the names
over time and their removals, `audit` the events and renames. Does not decide whether a segment may
be deleted (`planning`).
"""
