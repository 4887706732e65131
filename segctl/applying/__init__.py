"""The execution of a plan, one careful step at a time.

`applier` is the entry point. `scheduler` orders the changes; `actions`, `replacing` and `upgrading`
carry out whole changes, `writes` sends single requests, `validation` reads SendGrid's verdict on a
query, and `journal` records what was sent. Decides nothing about what should change.
"""
