"""SGQL, the query language of the first segments API: read it, say what it means, write it as SQL.

A room of pure functions over text: no I/O, no clock. `parse` reads a query into the nodes of
`query.tree`, `predicate` says which of its conditions are about one event, `translation` writes
it in the language of Segments V2, and `interpreter` works out by itself, from the rules alone, who
is in it, so that the two can be compared.

What is known of the language. [D] is documented by SendGrid, on its page "Segmentation Query
Language Reference" or in the facts of sendgrid-api.md §5; [I] is inferred. What is neither is
refused: no segment can be created in the first API any more, so a query that means something else
than its translation could be put right by nobody.

- [D] A query is one condition. Texts stand between single or double quotes; the backslash escapes
  the quote and itself. What it does before another character is not said: refused.
- [D] Names have letters and underscores (and digits: `address_line_1`); any other name stands
  between backticks. [I] The case of keywords, functions and standard fields does not count.
- [D] Arithmetic, loosest first, each by itself and to the left: `-`, `+`, `/`, `*`, `%`, sign. So
  `a - b + c` is `a - (b + c)`. `+` also joins texts, and adds a span to a time.
- [D] AND, OR and NOT exist. Which of AND and OR goes first is not said: side by side without
  parentheses they are refused. [I] NOT goes before both, and after comparisons.
- [D] `=` and `!=` take two values of one type, `<` and its kin numbers, times or texts, LIKE texts;
  IN, BETWEEN (with both bounds), IS [NOT] NULL. [I] `<>` is `!=`.
- [D] In LIKE `%` stands for anything and `%%` for a percent sign; nothing else is special, so `_`
  is an underscore. [I] `%%` is found from the left.
- [D] CONTAINS, CONCAT, LENGTH, LOWER and NOW are the functions. Texts are compared with regard to
  case: that is why the documentation has an example with LOWER.
- [D] A time is a text in ISO 8601 form with a zone, or TIMESTAMP before one; a span is
  `interval 10 day`, whole seconds, minutes, hours, days, months or years.
- [I] NULL is SQL's, for the API calls the query SQL: a comparison with it is neither true nor
  false, so is a function of it, and only what is true selects. A text that is empty is not NULL.
  `= NULL` and NULL among the values of IN are refused: the page says that NULL is tested with IS.
- [D] `event_source`, `event_type`, `event_timestamp` and `event_data` belong to an event.
  [I] Conditions on them that stand side by side are about one event; see `predicate`.
- [D] A parent list implies AND CONTAINS(list_ids, …).
"""
