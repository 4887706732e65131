"""The account as it is now: a snapshot of its segments, what refers to them, its contact lists.

Reads only, through `sendgrid/`. What should be there is the declarations'; what to do about a
difference is the planner's.
"""
