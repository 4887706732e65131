"""The plan, and the report of an apply, as versioned JSON documents, written and read back."""
