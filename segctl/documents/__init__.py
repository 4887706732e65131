"""YAML and JSON with places: every value knows its line and column, every problem is reported.

Knows JSON Schema; knows nothing of segments, which are the declarations'.
"""
