"""A certificate authority of the test's own, and what it signed: for servers and clients on this machine."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "a-password-for-tests"


@dataclass(frozen=True)
class Certificates:
    """PEM files; `server_store` is PKCS #12 for Java, `locked_key` the client's, with the password."""

    ca: Path
    ca_key: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path
    locked_key: Path
    server_store: Path
    password: str = PASSWORD


def authority(folder: Path, name: str, server: str = "localhost", address: str = "127.0.0.1") -> Certificates:
    """Make them below a new folder; the server's certificate is for that name and address."""
    below = folder / name
    below.mkdir()
    made = Certificates(
        below / "ca.pem",
        below / "ca.key",
        below / "server.pem",
        below / "server.key",
        below / "client.pem",
        below / "client.key",
        below / "locked.key",
        below / "server.p12",
    )
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    _openssl("req", "-x509", *key, "-keyout", made.ca_key, "-out", made.ca, "-subj", "/CN=tests of privwatch")
    names = f"subjectAltName=DNS:{server},IP:{address}"
    for cert, to, subject, more in (
        (made.server, made.server_key, f"/CN={server}", ["-addext", names]),
        (made.client, made.client_key, "/CN=privwatch", []),
    ):
        signed = ["-CA", made.ca, "-CAkey", made.ca_key]
        _openssl("req", "-x509", *signed, *key, "-keyout", to, "-out", cert, "-subj", subject, *more,
                 "-addext", "basicConstraints=critical,CA:FALSE")  # fmt: skip
    _openssl(
        "pkcs8", "-topk8", "-in", made.client_key, "-out", made.locked_key, "-passout", f"pass:{PASSWORD}"
    )
    _openssl(
        "pkcs12", "-export", "-in", made.server, "-inkey", made.server_key, "-certfile", made.ca,
        "-out", made.server_store, "-passout", f"pass:{PASSWORD}",
    )  # fmt: skip
    return made


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
