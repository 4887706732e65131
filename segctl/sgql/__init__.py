"""SGQL, the query language of the first segments API: parse it, evaluate it, translate it to SQL.

Pure functions over text: no I/O, no clock. `parse` builds a tree of the nodes of `query.ast`,
`predicates` finds which conditions are about the same event, `to_v2` translates to the language of
Segments V2, and `interpreter` evaluates a query independently, from the rules alone, so that both
results can be compared.

What is known of the language. [D] is documented by SendGrid, on its page "Segmentation Query
Language Reference" or in sendgrid-api.md §5; [I] is inferred. Anything else is refused: segments
can no longer be created in the first API, so a wrong translation could not be undone.

- [D] A query is one condition. Strings are in single or double quotes; the backslash escapes quotes
  and itself. What it does before another character is not documented: refused.
- [D] Names consist of letters and underscores (and digits: `address_line_1`); other names are in
  backticks. [I] Case does not matter in keywords, functions and standard fields.
- [D] Arithmetic, loosest first, each operator by itself and to the left: `-`, `+`, `/`, `*`, `%`,
  sign. So `a - b + c` is `a - (b + c)`. `+` also joins strings, and adds an interval to a time.
- [D] AND, OR and NOT exist. The precedence of AND and OR is not documented: next to each other
  without parentheses, they are refused. [I] NOT binds tighter than both, looser than comparisons.
- [D] `=` and `!=` take two values of one type, `<`, `<=`, `>` and `>=` numbers, times or strings,
  LIKE strings; IN, BETWEEN (both bounds included), IS [NOT] NULL. [I] `<>` is `!=`.
- [D] In LIKE, `%` matches anything and `%%` a percent sign; nothing else is special, so `_` is an
  underscore. [I] `%%` is matched from the left.
- [D] The functions are CONTAINS, CONCAT, LENGTH, LOWER and NOW. Strings compare case-sensitively:
  that is why the documentation has an example with LOWER.
- [D] A time is a string in ISO 8601 format with a time zone, or TIMESTAMP before one; an interval
  is `interval 10 day`, in whole seconds, minutes, hours, days, months or years.
- [I] NULL is that of SQL, because the API calls the query SQL: a comparison with NULL is neither
  true nor false, a function of NULL is NULL, and only true selects a contact. An empty string is
  not NULL. `= NULL` and NULL in the list of IN are refused: the page tests for NULL with IS.
- [D] `event_source`, `event_type`, `event_timestamp` and `event_data` belong to an event.
  [I] Adjacent conditions on them are about one event; see `predicates`.
- [D] A parent list implies AND CONTAINS(list_ids, …).
"""
