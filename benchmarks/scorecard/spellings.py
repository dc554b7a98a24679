"""E-mail addresses as logs spell them: raw, encoded, protected, and what only looks like one."""

from __future__ import annotations

import base64
import hashlib
import json
import quopri
from collections.abc import Callable
from random import Random
from typing import Final
from urllib.parse import quote

Spelling = Callable[[str, Random], str]


def _local(address: str) -> tuple[str, str]:
    local, _, domain = address.rpartition("@")
    return local, domain


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _jwt(address: str, rng: Random) -> str:
    parts = [
        json.dumps({"alg": "HS256", "typ": "JWT"}),
        json.dumps({"sub": rng.randrange(10**6), "email": address}),
    ]
    body = ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)
    return f"{body}.{base64.urlsafe_b64encode(rng.randbytes(32)).decode().rstrip('=')}"


RAW: Final[dict[str, Spelling]] = {
    "plain": lambda a, _: a,
    "upper": lambda a, _: a.upper(),
    "plus tag": lambda a, r: "{}+{}@{}".format(
        _local(a)[0], r.choice(("news", "shop2", "a.b")), _local(a)[1]
    ),
    "angle brackets": lambda a, _: f"<{a}>",
    "mailto": lambda a, _: f"mailto:{a}",
    "trailing dot": lambda a, _: f"{a}.",
    "git trailer": lambda a, _: f"Signed-off-by: A B <{a}>",
    "xml": lambda a, _: f"<email>{a}</email>",
    "sql": lambda a, _: f"WHERE email = '{a}'",
    "json in a string": lambda a, _: json.dumps(json.dumps({"to": a})),
    "stack trace": lambda a, _: f"java.lang.IllegalStateException: no user {a} at Foo.bar(Foo.java:12)",
    "ldap": lambda a, _: f"mail={a},ou=people,dc=corp",
    "query": lambda a, _: f"/reset?mail={a}&step=2",
    "sip": lambda a, _: f"sip:{a};transport=tls",
    "verp": lambda a, _: "bounce+{}={}@lists.nordwind-shop.de".format(*_local(a)),
    "quoted local part": lambda a, _: '"{} x"@{}'.format(*_local(a)),
    "address literal": lambda a, _: f"{_local(a)[0]}@[8.8.4.4]",
    "localhost": lambda a, _: f"{_local(a)[0]}@localhost",
    "comment": lambda a, _: "{}(home)@{}".format(*_local(a)),
    "after an underscore": lambda a, _: f"user_{a}",
    "punycode": lambda a, _: f"{_local(a)[0]}@xn--bro-hoa.de",
    "idn": lambda a, _: f"{_local(a)[0]}@bücherei-nord.de",
    "utf-8 local part": lambda a, _: f"jürgen.{a}",
    "list": lambda a, _: f"{a};{a[1:]}",
}

ENCODED: Final[dict[str, Spelling]] = {
    "%40": lambda a, _: quote(a),
    "%2540": lambda a, _: quote(quote(a)),
    "%2E": lambda a, _: quote(a).replace(".", "%2E"),
    "%2B": lambda a, _: quote(a.replace("@", "+x@", 1)),
    "\\u0040": lambda a, _: a.replace("@", "\\u0040"),
    "\\\\u0040": lambda a, _: a.replace("@", "\\\\u0040"),
    "\\x40": lambda a, _: a.replace("@", "\\x40"),
    "&#64;": lambda a, _: a.replace("@", "&#64;"),
    "&#x40;": lambda a, _: a.replace("@", "&#x40;"),
    "&commat;": lambda a, _: a.replace("@", "&commat;"),
    "quoted-printable": lambda a, _: (
        quopri.encodestring(a.encode(), quotetabs=True).decode().replace("@", "=40")
    ),
    "base64": lambda a, _: _b64(a),
    "base64 of json": lambda a, r: _b64(json.dumps({"id": r.randrange(10**6), "mail": a})),
    "base64url": lambda a, _: base64.urlsafe_b64encode(f"u:{a}".encode()).decode().rstrip("="),
    "basic auth": lambda a, _: f"Basic {_b64(f'{a}:secret')}",
    "hex": lambda a, _: a.encode().hex(),
    "HEX": lambda a, _: a.encode().hex().upper(),
    "jwt": _jwt,
    "[at] [dot]": lambda a, _: a.replace("@", " [at] ").replace(".", " [dot] "),
    "(at)": lambda a, _: a.replace("@", "(at)"),
    "_at_": lambda a, _: "{}_at_{}".format(*_local(a)),
    "full width": lambda a, _: a.replace("@", "\uff20"),
    "small": lambda a, _: a.replace("@", "\ufe6b"),
    "zero width": lambda a, _: a.replace("@", "\u200b@"),
    "percent in base64": lambda a, _: _b64(f"m={quote(a)}&x=1"),
}

COMPLIANT: Final[dict[str, Spelling]] = {
    "stars": lambda a, _: f"***@{_local(a)[1]}",
    "stars of the length": lambda a, _: "{}@{}".format("*" * len(_local(a)[0]), _local(a)[1]),
    "first letter": lambda a, _: f"{a[0]}***@{_local(a)[1]}",
    "first and last letter": lambda a, _: f"{a[0]}****{_local(a)[0][-1]}@{_local(a)[1]}",
    "domain too": lambda a, _: f"{a[0]}***@***.de",
    "crossed out": lambda a, _: f"xxxxx@{_local(a)[1]}",
    "[REDACTED]": lambda a, _: f"[REDACTED]@{_local(a)[1]}",
    "<EMAIL_ADDRESS>": lambda _a, _r: "<EMAIL_ADDRESS>",
    "{{EMAIL}}": lambda _a, _r: "{{EMAIL}}",
    "whole mask": lambda a, _: "*" * len(a),
    "masked, %40": lambda a, _: f"***%40{_local(a)[1]}",
    "tok_": lambda a, r: f"tok_{r.randbytes(8).hex()}@{_local(a)[1]}",
    "token": lambda _a, r: f"tok_{r.randbytes(10).hex()}",
    "vault": lambda _a, r: f"vault:v1:{base64.b64encode(r.randbytes(40)).decode()}",
    "<pseudonym:…>": lambda a, r: f"<pseudonym:{r.randbytes(5).hex()}>@{_local(a)[1]}",
    "sha256 as local part": lambda a, r: f"{hashlib.sha256(r.randbytes(9)).hexdigest()}@{_local(a)[1]}",
    "md5 as local part": lambda a, r: f"{r.randbytes(16).hex()}@{_local(a)[1]}",
    "keyed hash": lambda _a, r: hashlib.sha256(r.randbytes(9)).hexdigest(),
    "reserved domain": lambda a, r: (
        f"{_local(a)[0]}@{r.choice(('example.com', 'mail.example.org', 'shop.test', 'x.invalid'))}"
    ),
    "role": lambda a, r: (
        f"{r.choice(('info', 'support', 'no-reply', 'noreply', 'postmaster', 'abuse'))}@{_local(a)[1]}"
    ),
    "relay": lambda _a, r: f"{r.randbytes(5).hex()}@privaterelay.appleid.com",
    "service account": lambda _a, r: f"sync-{r.randrange(99)}@nordwind-prod.iam.gserviceaccount.com",
}

NOT: Final[dict[str, Spelling]] = {
    "git remote": lambda a, _: f"git@{_local(a)[1]}:shop/checkout.git",
    "ssh": lambda a, _: f"ssh -p 22 {_local(a)[0]}@{_local(a)[1]}",
    "userinfo": lambda a, _: f"postgres://app:hunter2@{_local(a)[1]}:5432/shop",
    "dsn": lambda _a, r: f"https://{r.randbytes(16).hex()}@o45.ingest.sentry.io/{r.randrange(10**6)}",
    "message id": lambda a, r: f"message-id=<{r.randrange(10**12)}.{r.randbytes(4).hex()}@{_local(a)[1]}>",
    "kerberos": lambda a, _: f"krb5 principal host/{_local(a)[1]}@{_local(a)[1].upper()}",
    "retina": lambda _a, r: f"/img/{r.choice(('logo', 'hero', 'bg'))}@2x.png",
    "npm": lambda _a, r: f"@angular/core@{r.randrange(20)}.1.{r.randrange(9)}",
    "erlang": lambda _a, r: f"rabbit@node{r.randrange(9)}",
    "java": lambda _a, r: f"com.nordwind.Foo@{r.randbytes(4).hex()}",
    "go module": lambda a, _: f"{_local(a)[1]}/lib@v1.4.2",
    "openssh": lambda _a, r: r.choice(("chacha20-poly1305@openssh.com", "hmac-sha2-256-etm@openssh.com")),
    "systemd": lambda _a, r: f"user@{r.randrange(2000)}.service",
    "shell": lambda a, _: f"root@web1:~# ls {_local(a)[1]}",
}
