"""Where brokers are, and how one is let in: frozen, and nothing of it shows a secret."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from monitor.brokers.tokens import Tokens
from monitor.errors import SettingsError

Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
BEARER: Final = "OAUTHBEARER"


@dataclass(frozen=True, slots=True)
class Tls:
    """Files are PEM; without `ca` the system's certificates are trusted."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    key_password: str | None = field(default=None, repr=False)
    check_hostname: bool = True


@dataclass(frozen=True, slots=True)
class Sasl:
    """`tokens` for OAUTHBEARER, user and password for the others."""

    mechanism: Mechanism
    user: str = ""
    password: str = field(default="", repr=False)
    tokens: Tokens | None = None


@dataclass(frozen=True, slots=True)
class Brokers:
    """Addresses as `host:port`, and what is asked of whoever connects."""

    bootstrap: tuple[str, ...]
    tls: Tls | None = None
    sasl: Sasl | None = None

    @property
    def protocol(self) -> str:
        """As every client calls it."""
        return f"{'SASL_' if self.sasl else ''}{'SSL' if self.tls else 'PLAINTEXT'}"

    def __str__(self) -> str:
        return f"kafka {', '.join(self.bootstrap)}"


def tls_context(tls: Tls) -> ssl.SSLContext:
    """What Python's TLS makes of it, at least TLS 1.2; also shows that the files can be used.

    Raises:
        SettingsError: some file is missing, unreadable, or not what it should be.
    """
    try:
        context = ssl.create_default_context(cafile=None if tls.ca is None else str(tls.ca))
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"tls.ca: {tls.ca} cannot be used ({_why(error)}); name a PEM file") from None
    context.check_hostname = tls.check_hostname
    # Python 3.13 refuses what authorities made at home often lack (RFC 5280 to the letter); no client does.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if tls.cert is not None:
        # Asked for a password on the terminal, a daemon would hang.
        password = tls.key_password or ""
        try:
            context.load_cert_chain(tls.cert, tls.key, password=lambda: password)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                f"tls.cert: {tls.cert} and {tls.key or 'the key in it'} cannot be used ({_why(error)});"
                " name PEM files that belong together, and the key's password"
            ) from None
    return context


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no certificate").lower().replace("_", " ")
    return error.strerror or type(error).__name__
