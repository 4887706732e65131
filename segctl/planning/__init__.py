"""The pure function that compares the declared segments with a snapshot and returns a plan.

`planner` is the entry point; `safety` decides whether the plan is allowed. Reads no file, no clock
and no network.
"""
