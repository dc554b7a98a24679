"""A provider of OpenID Connect on a free port, for one client, whose questions it checks strictly.

Tokens are made with jwcrypto, so that no code of the client's library makes what it checks.
"""

import base64
import hashlib
import html
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from jwcrypto import jwk, jwt

from monitor.clock import SystemClock

CLIENT, SECRET = "privwatch", "a client's secret"


class OidcProvider:
    """What it is to say, and what it was asked.

    Attributes:
        claims: put into every token, over those of the protocol; one that is None is left out.
        about: put into its description of itself.
        now: seconds UTC.
        algorithm: of signatures; `none` and HS256 make tokens that nobody may believe.
        asks: people are shown a page with a button first, as in a browser.
    """

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"sub": "u-1", "preferred_username": "dora"}
        self.about: dict[str, Any] = {}
        self.now = lambda: SystemClock().now() / 1e6
        self.algorithm = "RS256"
        self.asks = False
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self.rotate()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
                outer.asked.append(parts.path)
                outer._get(self, parts.path, asked)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                outer.asked.append(self.path)
                outer._token(self, {name: values[-1] for name, values in parse_qs(body).items()})

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["OidcProvider"]:
        """It answers."""
        thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(10)

    def rotate(self) -> None:
        """Sign with a new key; the old one is forgotten."""
        self._key = jwk.JWK.generate(kty="RSA", size=2048, kid=secrets.token_hex(4), use="sig")

    def _get(self, request: BaseHTTPRequestHandler, path: str, asked: dict[str, str]) -> None:
        if path == "/.well-known/openid-configuration":
            _json(request, self._description() | self.about)
        elif path == "/jwks":
            other = jwk.JWK.generate(kty="oct", size=256, kid="other")
            keys = [json.loads(one) for one in (self._key.export_public(), other.export())]
            _json(request, {"keys": keys})
        elif path == "/authorize":
            self._authorize(request, asked)
        elif path == "/out":
            _page(request, "<h1>Signed out</h1>")
        else:
            request.send_error(404)

    def _description(self) -> dict[str, Any]:
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        return {
            "issuer": self.issuer,
            **{name: f"{self.issuer}/{path}" for name, path in names.items()},
            "end_session_endpoint": f"{self.issuer}/out",
            "authorization_response_iss_parameter_supported": True,
            "code_challenge_methods_supported": ["S256"],
        }

    def _authorize(self, request: BaseHTTPRequestHandler, asked: dict[str, str]) -> None:
        right = asked["client_id"] == CLIENT and asked["response_type"] == "code"
        assert right
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        if self.asks and "yes" not in asked:
            hidden = "".join(
                f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
                for name, value in (asked | {"yes": "1"}).items()
            )
            _page(request, f'<form action="/authorize">{hidden}<button>Let me in</button></form>')
            return
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer}
        request.send_response(302)
        request.send_header("location", f"{asked['redirect_uri']}?{urlencode(back)}")
        request.end_headers()

    def _token(self, request: BaseHTTPRequestHandler, sent: dict[str, str]) -> None:
        begun = self._codes.pop(sent.get("code", ""), None)
        known = base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '+')}".encode()).decode()
        known_too = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        given = request.headers.get("authorization", "")
        challenge = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        right = (
            begun is not None
            and sent.get("grant_type") == "authorization_code"
            and given in {f"Basic {known}", f"Basic {known_too}"}
            and sent.get("redirect_uri") == begun["redirect_uri"]
            and base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() == begun["code_challenge"]
        )
        if not right:
            _json(request, {"error": "invalid_grant"}, 400)
            return
        said = {"id_token": self._id_token(begun["nonce"]), "access_token": "a", "token_type": "Bearer"}
        _json(request, said)

    def _id_token(self, nonce: str) -> str:
        now = int(self.now())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        claims = {name: value for name, value in (claims | self.claims).items() if value is not None}
        if self.algorithm == "none":
            parts = ({"alg": "none"}, claims)
            encoded = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts]
            return b".".join([*encoded, b""]).decode()
        if self.algorithm == "HS256":  # signed with what everybody knows
            text = self._key.export_to_pem()
            key = jwk.JWK(kty="oct", k=base64.urlsafe_b64encode(text).rstrip(b"=").decode())
        else:
            key = self._key
        token = jwt.JWT(header={"alg": self.algorithm, "kid": self._key["kid"]}, claims=claims)
        token.make_signed_token(key)
        return str(token.serialize())


def _json(request: BaseHTTPRequestHandler, said: object, status: int = 200) -> None:
    _send(request, json.dumps(said).encode(), "application/json", status)


def _page(request: BaseHTTPRequestHandler, body: str) -> None:
    text = f'<!doctype html><html lang="en"><title>Provider</title><body>{body}</body></html>'
    _send(request, text.encode(), "text/html", 200)


def _send(request: BaseHTTPRequestHandler, body: bytes, kind: str, status: int) -> None:
    request.send_response(status)
    request.send_header("content-type", kind)
    request.send_header("content-length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
