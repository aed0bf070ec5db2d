"""The command `chat-router`: the only part of the package that prints.

Nothing is imported here, so that `chat-router --version` answers at once; `router.cli.app` has the commands.
"""
