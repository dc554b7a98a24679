"""The page: paths, methods, TLS, passwords, and what it refuses."""

import base64
import json
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from monitor.errors import SettingsError
from monitor.sinks import http
from monitor.sinks.http import HttpOptions, check_options, serve
from monitor.sinks.metrics import Metrics
from monitor.sinks.password import checker, hashed

LOCAL = HttpOptions(port=0)


def page(options=LOCAL, *, healthy=(True, {"last_turn": "now"}), ready=(True, {"store": "reachable"})):
    return closing(serve(options, Metrics("1").registry, healthy=lambda: healthy, ready=lambda: ready))


def get(server, path, method="GET", headers=None, context=None):
    url = server.url.removesuffix("/metrics") + path
    request = urllib.request.Request(url, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def certificate(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    cert, key = folder / "cert.pem", folder / "key.pem"
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    subprocess.run(
        [*command, "-nodes", "-days", "2", "-keyout", str(key), "-out", str(cert), *subject],
        check=True,
        capture_output=True,
    )
    return cert, key


def test_three_paths_and_no_other():
    with page() as server:
        code, headers, body = get(server, "/metrics")
        assert code == 200
        assert b"privwatch_build_info" in body
        assert headers["Content-Type"].startswith("text/plain")
        assert get(server, "/healthz")[0] == 200
        assert json.loads(get(server, "/readyz")[2]) == {"status": "ok", "store": "reachable"}
        for path in ("/", "/metrics/", "/metricsx", "/favicon.ico", "/../metrics", "/%00"):
            assert get(server, path)[0] == 404, path


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(method):
    with page() as server:
        for path in ("/metrics", "/healthz", "/readyz"):
            code, headers, _ = get(server, path, method)
            assert (code, headers["Allow"]) == (405, "GET, HEAD")
        assert get(server, "/nothing", method)[0] == 404


def test_head_has_no_body():
    with page() as server:
        assert get(server, "/metrics", "HEAD")[0] == 200
        code, headers, body = get(server, "/readyz", "HEAD")
        assert (code, body) == (200, b"")
        assert int(headers["Content-Length"]) > 0


def test_what_fails_is_503_and_says_what():
    with page(healthy=(False, {}), ready=(False, {"store": "cannot be asked (StoreError)"})) as server:
        assert get(server, "/healthz")[0] == 503
        code, _, body = get(server, "/readyz")
        assert code == 503
        assert json.loads(body) == {"status": "failing", "store": "cannot be asked (StoreError)"}


def test_an_error_within_is_500_without_its_words(caplog):
    def broken():
        raise RuntimeError("geheim")

    with closing(serve(LOCAL, Metrics("1").registry, healthy=broken, ready=broken)) as server:
        code, _, body = get(server, "/healthz")
        assert code == 500
        assert b"geheim" not in body
        assert get(server, "/metrics")[0] == 200
    assert "could not be answered" in caplog.text


@pytest.mark.parametrize("way", ["hash", "file"])
def test_the_password_is_asked_for(tmp_path, way):
    (tmp_path / "password").write_text("Gänse füße: 7\n")
    secret = "Gänse füße: 7"
    how = {"hash": {"password_hash": hashed(secret)}, "file": {"password_file": tmp_path / "password"}}[way]
    with page(HttpOptions(port=0, user="prometheus", **how)) as server:
        code, headers, body = get(server, "/metrics")
        assert code == 401
        assert headers["WWW-Authenticate"].startswith("Basic ")
        assert b"privwatch_" not in body
        assert get(server, "/metrics", headers=basic("prometheus", secret))[0] == 200
        assert get(server, "/metrics", headers=basic("prometheus", secret))[0] == 200
        for user, password in (
            ("prometheus", "x"),
            ("other", secret),
            ("", ""),
            ("prometheus", secret + "\n"),
        ):
            assert get(server, "/metrics", headers=basic(user, password))[0] == 401
        for header in ("Basic", "Basic !", "Bearer x", "Basic " + base64.b64encode(b"\xff").decode()):
            assert get(server, "/metrics", headers={"Authorization": header})[0] == 401
        # A probe has no password: it learns yes or no and nothing else.
        assert json.loads(get(server, "/readyz")[2]) == {"status": "ok"}
        assert "store" in json.loads(get(server, "/readyz", headers=basic("prometheus", secret))[2])


def test_a_hash_does_not_hold_the_password():
    assert "geheim" not in hashed("geheim")
    assert hashed("geheim") != hashed("geheim")
    right = checker("u", hashed("geheim"), None)
    assert [right("u", "geheim"), right("v", "geheim"), right("u", "g"), right("u", "geheim")] == [
        True, False, False, True,
    ]  # fmt: skip


BAD_HASHES = ["geheim", "", "$2b$12$abc", "scrypt:1:1:1:AAAA:BBBB", hashed("x")[:-4]]
BAD_HASHES.append(f"scrypt:9999999:99:99:{'A' * 24}:{'A' * 86}==")


@pytest.mark.parametrize("wrong", BAD_HASHES)
def test_what_is_no_hash_is_refused_and_not_quoted(wrong):
    with pytest.raises(SettingsError, match="no hash of a password; make one with") as refused:
        checker("u", wrong, None)
    assert not wrong or wrong not in str(refused.value)


def test_half_a_password_is_refused(tmp_path):
    hash_ = hashed("x")
    with pytest.raises(SettingsError, match="without a user"):
        check_options(HttpOptions(password_hash=hash_))
    for options in (
        HttpOptions(user="u"),
        HttpOptions(user="u", password_hash=hash_, password_file=tmp_path / "p"),
    ):
        with pytest.raises(SettingsError, match="one of password_hash and password_file"):
            check_options(options)
    with pytest.raises(SettingsError, match="cannot be read"):
        check_options(HttpOptions(user="u", password_file=tmp_path / "p"))
    (tmp_path / "p").write_text("\n")
    with pytest.raises(SettingsError, match="is empty"):
        check_options(HttpOptions(user="u", password_file=tmp_path / "p"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_in_clear_it_stays_on_this_machine(host):
    with pytest.raises(SettingsError, match=r"reached by other machines.*metrics.insecure: true"):
        check_options(HttpOptions(host=host))
    check_options(HttpOptions(host=host, insecure=True))


def test_a_password_is_not_sent_in_clear_either():
    with pytest.raises(SettingsError, match="in clear"):
        check_options(HttpOptions(host="0.0.0.0", user="u", password_hash=hashed("x")))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_the_loopback_addresses(host):
    assert check_options(HttpOptions(host=host)) == (None, None)


def test_over_tls(tmp_path):
    cert, key = certificate(tmp_path)
    with page(HttpOptions(host="127.0.0.1", port=0, cert=cert, key=key)) as server:
        assert server.url.startswith("https://")
        trusted = ssl.create_default_context(cafile=str(cert))
        # Somebody who connects and says nothing, and somebody who speaks no TLS, hold up nobody.
        with (
            socket.create_connection(("127.0.0.1", server.port)),
            closing(HTTPConnection("127.0.0.1", server.port, timeout=5)) as plain,
        ):
            plain.request("GET", "/metrics")
            with pytest.raises(OSError):
                plain.getresponse()
            assert get(server, "/metrics", context=trusted)[0] == 200
        old = cert.read_bytes()
        certificate(tmp_path)
        server.renew()
        again = ssl.create_default_context(cafile=str(cert))
        assert cert.read_bytes() != old
        assert get(server, "/metrics", context=again)[0] == 200
        cert.write_text("no certificate")
        with pytest.raises(SettingsError, match="cannot be used"):
            server.renew()
        assert get(server, "/metrics", context=again)[0] == 200


def test_half_a_certificate_is_refused(tmp_path):
    cert, key = certificate(tmp_path)
    with pytest.raises(SettingsError, match="set both"):
        check_options(HttpOptions(cert=cert))
    with pytest.raises(SettingsError, match="cannot be used"):
        check_options(HttpOptions(cert=key, key=cert))
    subprocess.run(
        ["openssl", "ec", "-in", key, "-aes128", "-passout", "pass:x", "-out", tmp_path / "locked.pem"],
        check=True,
        capture_output=True,
    )
    with pytest.raises(SettingsError, match="without a passphrase"):
        check_options(HttpOptions(cert=cert, key=tmp_path / "locked.pem"))


def test_a_taken_port_says_what_to_do():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"127.0.0.1:{port} cannot be listened on.*set metrics.host"):
            serve(HttpOptions(port=port), Metrics("1").registry, healthy=dict, ready=dict)
    with pytest.raises(SettingsError, match="there is no address"):
        check_options(HttpOptions(host="no-such-host.invalid"))


def test_it_stops():
    with page() as server:
        pass
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(server.url, timeout=10)


def test_silent_connections_are_bounded_and_turned_away(monkeypatch):
    monkeypatch.setattr(http, "CONNECTIONS", 3)
    monkeypatch.setattr(http._Handler, "timeout", 0.3)
    monkeypatch.setattr(http, "REQUEST_SECONDS", 0.3)
    with page() as server:
        silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(9)]
        closed = [one.recv(1) == b"" for one in silent]  # turned away, or timed out
        assert all(closed)
        for one in silent:
            one.close()
        assert get(server, "/metrics")[0] == 200


def test_many_at_once_and_garbage():
    with page() as server:
        with ThreadPoolExecutor(8) as pool:
            assert {code for code, *_ in pool.map(lambda _: get(server, "/metrics"), range(40))} == {200}
        for garbage in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET /" + b"a" * 70_000 + b"\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=15) as connection:
                connection.sendall(garbage)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass
        assert get(server, "/healthz")[0] == 200
