"""Envelopes, hashes and keys made by the programs and libraries that people use."""

import base64
import datetime as dt
import os
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest
from cryptography import x509
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT

from monitor.detectors import classify, find
from tests.support.unmet import cannot_run

SECRET = b"Anna Berg, born 1980-02-29 in Kiel"
DAY = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)


def judged(value: bytes | str) -> tuple[str, str]:
    text = value.decode() if isinstance(value, bytes) else value
    return classify(pl.Series([text])).select("state", "detector").row(0)


def found(value: bytes | str, name: str) -> list[str]:
    text = value.decode() if isinstance(value, bytes) else value
    return find(pl.Series([text]), (name,))["state"].to_list()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nordwind-shop.de")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 17, DAY, DAY + dt.timedelta(days=9))
    return builder.sign(key, hashes.SHA256())


@pytest.mark.parametrize("size", [0, 1, 15, 16, 100, 5_000])
def test_fernet(size):
    first, second = Fernet(Fernet.generate_key()), Fernet(Fernet.generate_key())
    assert judged(first.encrypt(b"x" * size)) == ("encrypted", "fernet")
    assert judged(MultiFernet([first, second]).encrypt(SECRET)) == ("encrypted", "fernet")


@pytest.mark.parametrize(
    "encoding", [serialization.Encoding.DER, serialization.Encoding.PEM, serialization.Encoding.SMIME]
)
def test_cms_enveloped(certificate, encoding):
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(SECRET).add_recipient(certificate)
    made = builder.encrypt(encoding, [pkcs7.PKCS7Options.Binary])
    text = base64.b64encode(made) if encoding is serialization.Encoding.DER else made
    names = {
        serialization.Encoding.DER: "cms",
        serialization.Encoding.PEM: "armor",
        serialization.Encoding.SMIME: "smime",
    }
    assert judged(text) == ("encrypted", names[encoding])


@pytest.mark.parametrize("encoding", [serialization.Encoding.DER, serialization.Encoding.PEM])
def test_cms_signed_is_no_envelope(key, certificate, encoding):
    builder = pkcs7.PKCS7SignatureBuilder().set_data(SECRET).add_signer(certificate, key, hashes.SHA256())
    made = builder.sign(encoding, [])
    text = base64.b64encode(made) if encoding is serialization.Encoding.DER else made
    assert judged(text)[0] != "encrypted"


@pytest.mark.parametrize(
    ("algorithm", "kind"), [("A256KW", "oct"), ("dir", "oct"), ("RSA-OAEP-256", "RSA"), ("ECDH-ES", "EC")]
)
def test_jwe(algorithm, kind):
    made = {"oct": {"size": 256}, "RSA": {"size": 2048}, "EC": {"crv": "P-256"}}[kind]
    token = JWE(
        SECRET, recipient=JWK.generate(kty=kind, **made), protected={"alg": algorithm, "enc": "A256GCM"}
    )
    assert judged(token.serialize(compact=True)) == ("encrypted", "jwe")
    assert judged(token.serialize()) == ("encrypted", "json_envelope")
    assert found(token.serialize(compact=True), "jwt") == []


@pytest.mark.parametrize(("algorithm", "kind"), [("HS256", "oct"), ("RS256", "RSA"), ("ES256", "EC")])
def test_signed_tokens_are_readable_and_credentials(algorithm, kind):
    made = {"oct": {"size": 256}, "RSA": {"size": 2048}, "EC": {"crv": "P-256"}}[kind]
    token = JWT(header={"alg": algorithm}, claims={"name": SECRET.decode()})
    token.make_signed_token(JWK.generate(kty=kind, **made))
    assert judged(token.serialize())[0] == "encoded"
    assert found(f"Authorization: Bearer {token.serialize()}", "jwt") == ["raw"]


def test_private_keys(key):
    plain, locked = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"hunter2")
    for form in (serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.OpenSSH):
        assert found(key.private_bytes(serialization.Encoding.PEM, form, plain), "private_key") == ["raw"]
    pkcs8 = serialization.PrivateFormat.PKCS8
    assert found(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain), "private_key") == ["raw"]
    assert found(key.private_bytes(serialization.Encoding.PEM, pkcs8, locked), "private_key") == ["encrypted"]
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    assert found(key.public_key().public_bytes(serialization.Encoding.PEM, public), "private_key") == []


def run(*command: str, folder: Path) -> bytes:
    if shutil.which(command[0]) is None:
        cannot_run(f"the program {command[0]} is not installed")
    environment = {**os.environ, "GNUPGHOME": str(folder)}
    return subprocess.run(
        command, input=SECRET, capture_output=True, check=True, timeout=60, env=environment
    ).stdout


@pytest.mark.parametrize("cipher", ["-aes-256-cbc", "-aes-128-ctr", "-chacha20"])
def test_openssl(tmp_path, cipher):
    made = run("openssl", "enc", cipher, "-pbkdf2", "-a", "-A", "-k", "hunter2", folder=tmp_path)
    assert judged(made) == ("encrypted", "openssl")


@pytest.mark.parametrize("kind", ["-1", "-5", "-6", "-apr1"])
def test_openssl_passwd(tmp_path, kind):
    made = run("openssl", "passwd", kind, "hunter2", folder=tmp_path).strip()
    assert judged(made)[0] == ("hashed" if kind in {"-5", "-6"} else "hashed_weak")


@pytest.mark.parametrize("armor", [True, False])
def test_gnupg_with_a_passphrase(tmp_path, armor):
    tmp_path.chmod(0o700)
    options = ["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "hunter2"]
    try:
        made = run("gpg", *options, *(["--armor"] if armor else []), "--symmetric", folder=tmp_path)
    finally:
        if shutil.which("gpgconf"):
            run("gpgconf", "--kill", "gpg-agent", folder=tmp_path)
    assert judged(made.strip() if armor else base64.b64encode(made)) == (
        "encrypted",
        "armor" if armor else "openpgp",
    )


def test_gnupg_without_a_passphrase_only_compresses(tmp_path):
    tmp_path.chmod(0o700)
    made = run("gpg", "--batch", "--quiet", "--store", folder=tmp_path)
    assert judged(base64.b64encode(made))[0] != "encrypted"
