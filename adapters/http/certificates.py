"""Certificates from files: whom to trust, and with which certificate to sign in."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, fields
from os import PathLike
from typing import TYPE_CHECKING, Any

from adapters.contract.message import nearest
from adapters.contract.secret import Secret
from adapters.http.transport.tls import fresh_context, prepared

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Certificates:
    """The files that TLS connections to a provider use; they are read when the provider is made.

    Attributes:
        ca: PEM file with the certificates of the authorities to trust, in place of the system's.
        cert: PEM file with the certificate to sign in with, and with those between it and its authority.
        key: PEM file with its key; it may stand in `cert` as well.
        password: Of an encrypted key.
    """

    ca: str | PathLike[str] | None = None
    cert: str | PathLike[str] | None = None
    key: str | PathLike[str] | None = None
    password: Secret | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Certificates:
        """Return what a mapping says.

        Raises:
            TypeError: A key is unknown, or a value is no path.
            ValueError: There is a key or password without a certificate, or nothing at all.
        """
        names = [each.name for each in fields(cls)]
        for name, value in given.items():
            if name not in names:
                raise TypeError(
                    f"verify has no key {name!r}{nearest(str(name), names)}; it takes {', '.join(names)}"
                )
            if name != "password" and not isinstance(value, str | PathLike | None):
                raise TypeError(f"verify[{name!r}] is {type(value).__name__}; pass the path of a PEM file")
        password = given.get("password")
        made = cls(**{**given, "password": None if password is None else Secret(password)})
        made.check()
        return made

    def check(self) -> None:
        """Check that it says something that can be done.

        Raises:
            ValueError: There is a key or password without a certificate, or nothing at all.
        """
        if self.cert is None and (self.key is not None or self.password is not None):
            raise ValueError("verify has a key or password, but no cert to sign in with; add cert")
        if self.cert is None and self.ca is None:
            raise ValueError("verify names no file; give ca, or cert and key, or write True")

    def context(self) -> ssl.SSLContext:
        """Return the TLS context made of the files.

        Raises:
            ValueError: A file is missing or unreadable, is not PEM, the key does not fit the certificate, or
                is encrypted and the password is missing or wrong.
        """
        self.check()
        context = fresh_context(self._readable("ca"))
        cert, key = self._readable("cert"), self._readable("key")
        if cert is not None:
            self._sign_in(context, cert, key)
        return prepared(context)

    def _sign_in(self, context: ssl.SSLContext, cert: str, key: str | None) -> None:
        asked = False

        def password() -> str:
            nonlocal asked
            asked = True
            return "" if self.password is None else self.password.reveal()

        home = "cert" if key is None else "key"
        try:
            context.load_cert_chain(cert, key, password)
        except (ssl.SSLError, ValueError) as error:
            reason = getattr(error, "reason", None) or ""
            if asked and self.password is None:
                raise ValueError(f"verify[{home!r}]: the key is encrypted; add its password") from None
            if asked:
                raise ValueError(
                    f"verify[{home!r}]: the key cannot be decrypted with this password"
                ) from None
            if reason == "KEY_VALUES_MISMATCH":
                raise ValueError(
                    "verify: the key does not fit the certificate; check which files belong together"
                ) from None
            raise ValueError(
                f"verify: {self.cert} and its key cannot be used ({reason or type(error).__name__}); "
                "both must be PEM files, beginning with -----BEGIN"
            ) from None

    def _readable(self, name: str) -> str | None:
        """Return the path of a file that can be read and is PEM.

        Raises:
            ValueError: It cannot, or is not.
        """
        given = getattr(self, name)
        if given is None:
            return None
        path = str(os.fspath(given))
        try:
            with open(path, "rb") as file:
                content = file.read(1 << 20)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it cannot be a path"
            raise ValueError(f"verify[{name!r}]: {path} cannot be read: {why}") from None
        if b"-----BEGIN " not in content:
            raise ValueError(
                f"verify[{name!r}]: {path} is not a PEM file, which has a line -----BEGIN …-----; "
                "convert it, such as with openssl x509 -inform der"
            )
        return path
