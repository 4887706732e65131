"""Contacts on this machine: where they come from, where they stand, what can be asked of them."""
