"""YAML text in, declared segments and every problem out; each with file, line and column.

Pure: the bytes of the files are handed in (`files.py` reads them) and nothing is written.
"""
