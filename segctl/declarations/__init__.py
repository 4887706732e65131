"""Declared segments and every problem of their files, each with file, line and column.

Pure: receives the bytes of the files (`project.files` reads them) and writes nothing.
"""
