"""Plans, reports and findings as something to read: one module a view, no decision in any.

Pure: each gives text and writes none.
"""
