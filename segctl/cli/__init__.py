"""The command line: options, output and exit codes; one module per command.

What a command does is a use case of `app/`.
"""
