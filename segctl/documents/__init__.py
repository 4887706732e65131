"""YAML documents with places: every value has its line and column, every problem is reported.

Validates documents against JSON Schema. Knows nothing of segments: those are in `declarations`.
"""
