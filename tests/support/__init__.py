"""What tests of several rooms share: the one fake clock, the one key, accounts and builders."""
