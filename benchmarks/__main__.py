"""`python -m benchmarks`: run all, print a table, fail over a bound. See docs/benchmarks.md."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
from itertools import chain, islice
from pathlib import Path

from benchmarks import (
    audiences,
    fleet,
    history,
    hot_contact,
    language,
    planning,
    policies,
    rate,
    references,
    startup,
)
from benchmarks.measure import table

_SHORT = 9


def main() -> int:
    """Run all benchmarks; return 1 if a ratio is over its bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="pairs for each figure (default: 15)")
    parser.add_argument(
        "--short", action="store_true", help="run few pairs and the fast figures, as CI does"
    )
    parser.add_argument("--json", metavar="FILE", help="also write the figures to this file")
    options = parser.parse_args()
    runs = _SHORT if options.short else options.runs
    few_runs = max(3, runs // 3)
    figures = []
    for figure in chain(
        startup.figures(runs),
        # CI runs only the first figures of these three: the others would take too long.
        islice(language.figures(few_runs), 2 if options.short else None),
        islice(history.figures(few_runs), 1 if options.short else None),
        islice(rate.figures(few_runs), 2 if options.short else None),
        references.figures(),
        policies.figures(few_runs),
        planning.figures(few_runs, short=options.short),
        fleet.figures(few_runs, short=options.short),
        audiences.figures(3, short=options.short),
        hot_contact.figures(3, short=options.short),
    ):
        # Some take a while: print each one to show that the run has not stalled.
        sys.stderr.write(f"{figure.name}: {figure.ratio:.2f}\n")
        figures.append(figure)
    sys.stdout.write(table(figures))
    if options.json:
        data = {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "figures": [dataclasses.asdict(figure) for figure in figures],
        }
        Path(options.json).write_text(json.dumps(data, indent=2) + "\n", "utf-8")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
