"""From text to tree: tokens, a recursive descent over them, and every error with its offset."""
