"""Why brokers do not let us in: asked by hand, since clients only try again, and do not tell.

kafka-python throws away an answer that is followed by the end of the connection in one go, as that to a wrong
password is; librdkafka tells some causes in its log alone. Here every client gets the same words.
"""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import dataclass
from typing import Final

from monitor.brokers.access import BEARER, Brokers, Sasl
from monitor.brokers.kafka_python import sasl_mechanism
from monitor.brokers.tokens import TokenError
from monitor.brokers.wire import (
    AUTHENTICATION_FAILED,
    ILLEGAL_SASL_STATE,
    NO_ERROR,
    UNSUPPORTED_MECHANISM,
    ClosedError,
    NoBrokerError,
    SpeaksTlsError,
    Wire,
)
from monitor.clock import Clock, SystemClock
from monitor.printable import line

ADDRESS_SECONDS: Final = 5.0
"""How long an address is asked; whatever takes longer says nothing for certain."""
_ROUNDS: Final = 4
_MOST_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is wrong at an address, and what to do; `certain` where trying again would be of no use."""

    what: str
    cure: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Refusals:
    """What is wrong at each of the addresses, of which none lets us in."""

    found: tuple[tuple[str, Refusal], ...]

    @property
    def certain(self) -> bool:
        """Whether trying again would be of no use at any of them."""
        return all(refusal.certain for _, refusal in self.found)

    def words(self, tried: float = 0.0) -> str:
        """For people; with the seconds that it was tried for, if it was."""
        waited = f" (tried for {tried:g} s)" if tried else ""
        said = (f"{address}: {one.what}{waited}; {one.cure}" for address, one in self.found)
        return "kafka " + "; ".join(said)


def refusals(brokers: Brokers, seconds: float, clock: Clock | None = None) -> Refusals | None:
    """Ask one address after the other, within some seconds; None once one lets us in, or none was asked.

    Raises:
        SettingsError: files of TLS cannot be used.
    """
    clock = clock or SystemClock()
    until = clock.monotonic() + seconds
    found: list[tuple[str, Refusal]] = []
    for address in brokers.bootstrap:
        left = until - clock.monotonic()
        if left <= 0:
            break
        refusal = _refusal(address, brokers, min(left, ADDRESS_SECONDS), clock)
        if refusal is None:
            return None
        found.append((address, refusal))
    # An address that was not asked may be the one that lets us in.
    unasked = Refusal("was not reached in that time", "check the others first", certain=False)
    found += [(address, unasked) for address in brokers.bootstrap[len(found) :]]
    return Refusals(tuple(found))


def _refusal(address: str, brokers: Brokers, seconds: float, clock: Clock) -> Refusal | None:
    try:
        with Wire(address, brokers.tls, seconds, clock) as wire:
            return _asked(wire, brokers)
    except ssl.SSLError as error:
        return _of_tls(error, brokers)
    except OSError as error:
        return _of_network(error, brokers, seconds)
    except ClosedError:
        return _closed("before it said anything")
    except SpeaksTlsError:
        return Refusal(
            "it speaks TLS", "say `tls.enabled: true`, or name its port without TLS in `bootstrap`"
        )
    except NoBrokerError:
        what = "what answers there is no broker of Apache Kafka"
        return Refusal(what, "check `bootstrap`", certain=False)


def _closed(when: str, cure: str = "check `bootstrap`, `tls` and `sasl`") -> Refusal:
    return Refusal(f"it closed the connection {when}", cure, certain=False)


def _asked(wire: Wire, brokers: Brokers) -> Refusal | None:
    wire.versions()
    if brokers.sasl is not None:
        try:
            return _signed_in(wire, brokers.sasl)
        except ClosedError:
            return _closed("while we signed in", "check `sasl`")
        except TokenError as error:
            return Refusal(str(error), "check `sasl`", certain=False)
    try:
        # Where nobody is asked who they are, this is an error; where everybody is, it is the first step.
        code, offered = wire.handshake("PLAIN")
    except (ClosedError, NoBrokerError, OSError):
        return None
    if code in {NO_ERROR, UNSUPPORTED_MECHANISM}:
        return Refusal(f"it asks who we are ({_list(offered)})", "say so in `sasl`, or name another port")
    return None


def _signed_in(wire: Wire, sasl: Sasl) -> Refusal | None:
    code, offered = wire.handshake(sasl.mechanism)
    if code == ILLEGAL_SASL_STATE:
        return Refusal("it does not ask who we are", "leave out `sasl`, or name the port for SASL")
    if code == UNSUPPORTED_MECHANISM:
        return Refusal(f"it does not take {sasl.mechanism} ({_list(offered)})", "check `sasl.mechanism`")
    if code != NO_ERROR:
        return _not_now(code)
    try:
        return _authenticated(wire, sasl)
    except (ValueError, KeyError):
        # Its side of SCRAM: the proof that it knows the password as well.
        return Refusal("it cannot prove that it knows this user's password", "check `sasl` and `bootstrap`")


def _authenticated(wire: Wire, sasl: Sasl) -> Refusal | None:
    mechanism = sasl_mechanism(sasl)
    for _ in range(_ROUNDS):
        code, said = wire.authenticate(mechanism.auth_bytes())
        if code not in {NO_ERROR, AUTHENTICATION_FAILED}:
            return _not_now(code)
        if code == NO_ERROR:
            mechanism.receive(said)
        if code == AUTHENTICATION_FAILED or mechanism.is_done():
            break
    if code == NO_ERROR and mechanism.is_authenticated():
        return None
    taken = "token" if sasl.mechanism == BEARER else "user and password"
    return Refusal(f"authentication failed: it does not accept this {taken}", "check `sasl`")


def _not_now(code: int) -> Refusal:
    return Refusal(f"it does not let us sign in (error {code})", "check `sasl`", certain=False)


def _list(offered: object) -> str:
    names = ", ".join(offered) if isinstance(offered, list) else ""
    return f"it offers {line(names)[:_MOST_SHOWN] or 'nothing'}"


def _of_tls(error: ssl.SSLError, brokers: Brokers) -> Refusal:
    """Errors within TLS: of the handshake, and of what a broker says after it to our certificate."""
    reason = (error.reason or "").lower().replace("_", " ")
    if isinstance(error, ssl.SSLCertVerificationError):
        what = f"its certificate is not accepted: {error.verify_message.rstrip('.')}"
        return Refusal(what, "check `tls.ca`, and that `bootstrap` calls the broker as its certificate does")
    if "alert" in reason and ("certificate" in reason or "unknown ca" in reason):
        if brokers.tls is not None and brokers.tls.cert is None:
            return Refusal(
                f"it wants a certificate of ours ({reason})", "name it in `tls.cert` and `tls.key`"
            )
        return Refusal(f"it does not accept our certificate ({reason})", "check `tls.cert`")
    if reason in {"wrong version number", "record layer failure", "packet length too long"}:
        return Refusal("it does not speak TLS", "name its port for TLS in `bootstrap`, or leave out `tls`")
    if isinstance(error, ssl.SSLEOFError):
        return _no_tls()
    return Refusal(f"TLS failed ({reason or type(error).__name__})", "check `tls`", certain=False)


def _no_tls() -> Refusal:
    what = "it closed the connection instead of speaking TLS"
    return Refusal(what, "name its port for TLS in `bootstrap`, or leave out `tls`", certain=False)


def _of_network(error: OSError, brokers: Brokers, seconds: float) -> Refusal:
    if isinstance(error, socket.gaierror):
        what = f"its name is not known ({error.strerror})"
        return Refusal(what, "check `bootstrap`", certain=False)
    if isinstance(error, TimeoutError):
        what = f"no answer within {round(seconds, 1):g} s"
        return Refusal(what, "check `bootstrap`, and that this machine may reach it", certain=False)
    if isinstance(error, ConnectionRefusedError):
        return Refusal("nobody listens there", "check `bootstrap`, and that the broker runs", certain=False)
    if error.errno in {errno.ECONNRESET, errno.EPIPE}:
        return _no_tls() if brokers.tls is not None else _closed("before it said anything")
    why = error.strerror or type(error).__name__
    return Refusal(f"it cannot be reached ({why})", "check `bootstrap`, and the network", certain=False)
