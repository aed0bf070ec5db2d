"""The command in this process, as the tests of the command line run it."""

from tests.router.cli.conftest import anyio_backend, backend, command, portal, serve

__all__ = ["anyio_backend", "backend", "command", "portal", "serve"]
