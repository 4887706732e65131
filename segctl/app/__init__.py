"""What each command does, callable without the command line."""
