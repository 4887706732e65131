"""What a history of segment files comes to: who was declared when, who is gone, what happened.

Owns the meaning of commits for segments, as pure functions of what `git.py` read. Runs nothing
and judges nothing: whether a segment may be deleted is for the planner to say.

`commits` has the shapes, `names` the quick look at a file, `past` the names through time and the
removals, `audit` the events and the renames.
"""
