"""Helpers that tests of several rooms share: clocks, the key, accounts and builders."""
