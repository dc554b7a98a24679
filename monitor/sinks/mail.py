"""Mail with files, by SMTP over TLS. Errors say what the server minded, never to whom it went."""

from __future__ import annotations

import logging
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from monitor.errors import PrivwatchError, SettingsError

log = logging.getLogger(__name__)


class MailError(PrivwatchError):
    """The mail was not taken in."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. `tls` is `starttls`, `implicit` or `none`; without `user` nobody signs in."""

    host: str
    port: int
    tls: str
    ca: Path | None
    user: str | None
    password: str | None = field(repr=False)
    timeout: float

    def context(self) -> ssl.SSLContext:
        """Whom to trust.

        Raises:
            SettingsError: the certificates cannot be read.
        """
        try:
            return ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"reports.mail.ca: {self.ca} cannot be used ({error.strerror})") from None

    def send(self, message: EmailMessage, sender: str, recipients: tuple[str, ...]) -> None:
        """Hand a mail in.

        Raises:
            MailError: the server cannot be reached or trusted, or took it in for nobody.
        """
        try:
            with self._connected() as smtp:
                if self.tls == "starttls":
                    smtp.starttls(context=self.context())
                if self.user is not None:
                    smtp.login(self.user, self.password or "")
                refused = smtp.send_message(message, sender, list(recipients))
        except smtplib.SMTPRecipientsRefused:
            raise MailError(f"{self.host}: the mail server refused every recipient") from None
        except smtplib.SMTPResponseException as error:
            # The words of the server may hold an address.
            raise MailError(f"{self.host}: the mail server answered {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise MailError(f"{self.host}: no mail could be handed in ({type(error).__name__})") from None
        if refused:
            log.warning("reports: the mail server refused %d of %d recipients", len(refused), len(recipients))

    def _connected(self) -> smtplib.SMTP:
        if self.tls == "implicit":
            context = self.context()
            return smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=self.timeout)
