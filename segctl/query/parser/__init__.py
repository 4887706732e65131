"""The parser of segment queries: from text to tokens to a tree, every error with its offset."""
