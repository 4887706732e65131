"""How a plan's changes are carried out, one careful step at a time.

`steps` has the vocabulary, `writes` the single requests, `verdicts` what SendGrid says of a query,
`replacing`, `upgrading` and `actions` whole changes, `scheduling` their order.
`segctl.applying.applier` is the way in.
"""
