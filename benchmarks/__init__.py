"""What segctl costs, each figure as a ratio to a baseline measured in the same run.

`python -m benchmarks` runs all and prints a table; see `__main__.py`.
"""
