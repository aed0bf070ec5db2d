"""The settings of TLS: whom we trust, and what we offer."""

from __future__ import annotations

import os
import ssl
from functools import cache
from typing import Final

_PROTOCOLS: Final = ["http/1.1"]


@cache
def usual_context() -> ssl.SSLContext:
    """Return the context that trusts the system's store, or certifi's where the system has none.

    It is made once: reading the certificates takes 20 ms, in which the event loop stands still.
    """
    return prepared(fresh_context())


def fresh_context(ca: str | None = None) -> ssl.SSLContext:
    """Return a context of its own that trusts the authorities in a file, or those that are usual.

    Raises:
        ValueError: The file cannot be used.
    """
    if ca is not None:
        try:
            return ssl.create_default_context(cafile=ca)
        except ssl.SSLError as error:
            raise ValueError(
                f"{ca} holds no certificates that can be read ({error.reason}); it must be a PEM file"
            ) from None
    context = ssl.create_default_context()
    if not _system_has_store():
        import certifi  # it is needed on few machines

        context.load_verify_locations(certifi.where())
    return context


@cache
def unverified_context() -> ssl.SSLContext:
    """Return the context that checks no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return prepared(context)


def prepared(context: ssl.SSLContext) -> ssl.SSLContext:
    """Make a context offer HTTP/1.1 alone (ALPN), and return it."""
    context.set_alpn_protocols(_PROTOCOLS)
    return context


def context_for(verify: ssl.SSLContext | bool) -> ssl.SSLContext:
    """Return the context that `verify` stands for: True, False, or a context of the user.

    Raises:
        TypeError: It is none of them.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    if not isinstance(verify, bool):
        raise TypeError(f"verify is {type(verify).__name__}; pass True, False or an ssl.SSLContext")
    return usual_context() if verify else unverified_context()


def _system_has_store() -> bool:
    paths = ssl.get_default_verify_paths()  # None where the file or folder does not exist
    if paths.cafile:
        return True
    try:
        return bool(paths.capath) and any(os.scandir(paths.capath))
    except OSError:
        return False
