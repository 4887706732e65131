"""One module per command, with its click command in `command`; imported when it is called."""
