"""The pure function in the middle: declared segments and a snapshot of the account give a plan.

`planner` is the way in, `safety` decides whether the plan is allowed. Nothing here reads a file,
a clock or the network.
"""
