"""One module a command, each with the click command that it owns in `command`."""
