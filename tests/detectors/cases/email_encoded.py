"""Addresses of people behind an encoding anyone can undo."""

import base64

from tests.detectors.cases import Case

A = "anna.berg@nordwind-shop.de"
JSON = '{"sub":"17","email":"anna.berg@nordwind-shop.de","n":1}'


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def b64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def encoded(name: str, text: str, steps: str) -> Case:
    return Case(name, text, ("encoded",), steps)


HEADER = b64url('{"alg":"HS256","typ":"JWT"}')
SIGNATURE = "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"

CASES = [
    encoded("%40", "/u?mail=anna.berg%40nordwind-shop.de&x=1", "percent"),
    encoded("%2540", "/u?next=%2Fu%3Fmail%3Danna.berg%2540nordwind-shop.de", "percent>percent"),
    encoded("%252540", "r=anna.berg%252540nordwind-shop.de", "percent>percent>percent"),
    encoded("%u0040", "/u?mail=anna.berg%u0040nordwind-shop.de", "percent"),
    encoded("%40 in base64", b64(f"mail={A}&x".replace("@", "%40")), "base64>percent"),
    encoded("%40 in base64, shifted", b64(f"m={A}&xy".replace("@", "%40")), "base64>percent"),
    encoded("%40 in base64, shifted twice", b64(f"to={A}&xyz".replace("@", "%40")), "base64>percent"),
    encoded("%2E", "anna%2Eberg%40nordwind-shop%2Ede", "percent"),
    encoded("%2B", "anna%2Bshoes%40nordwind-shop.de", "percent"),
    encoded("percent, UTF-8", "j%C3%BCrgen%40nordwind-shop.de", "percent"),
    encoded("backslash u", "anna.berg\\u0040nordwind-shop.de", "backslash"),
    encoded("two backslashes u", "anna.berg\\\\u0040nordwind-shop.de", "backslash"),
    encoded("backslash x", "anna.berg\\x40nordwind-shop.de", "backslash"),
    encoded("decimal entity", "anna.berg&#64;nordwind-shop.de", "html"),
    encoded("padded decimal entity", "anna.berg&#064;nordwind-shop.de", "html"),
    encoded("hexadecimal entity", "anna.berg&#x40;nordwind-shop.de", "html"),
    encoded("named entity", "anna.berg&commat;nordwind-shop.de", "html"),
    encoded("quoted-printable", "To: anna.berg=40nordwind-shop.de", "quoted-printable"),
    encoded("base64", f"session {b64(A)} opened", "base64"),
    encoded("base64, one byte on", b64("x" + A), "base64"),
    encoded("base64, two bytes on", b64("to" + A), "base64"),
    encoded("base64 of JSON", f"payload={b64(JSON)}", "base64"),
    encoded("base64url", f"token={b64url('??>' + JSON)}", "base64"),
    encoded("base64 in a URL path", f"/verify/{b64url(A)}/now", "base64"),
    encoded("Basic auth", f"Authorization: Basic {b64(A + ':secret')}", "base64"),
    encoded("percent-encoded base64", f"t={b64(JSON).replace('=', '%3D')}", "base64"),
    encoded(
        "base64 of percent", b64("mail=anna.berg%40nordwind-shop.de and @nordwind.de."), "base64>percent"
    ),
    encoded("hex", A.encode().hex(), "hex"),
    encoded("hex, upper case", A.encode().hex().upper(), "hex"),
    encoded("hex with 0x", f"data 0x{A.encode().hex()}", "hex"),
    encoded("bytea", f"\\x{A.encode().hex()}", "hex"),
    encoded("JWT payload", f"Bearer {HEADER}.{b64url(JSON)}.{SIGNATURE}", "jwt"),
    encoded("unsigned JWT", f"{HEADER}.{b64url(JSON)}.", "jwt"),
    encoded("[at] [dot]", "anna.berg [at] nordwind-shop [dot] de", "obfuscated"),
    encoded("(at)", "anna.berg(at)nordwind-shop.de", "obfuscated"),
    encoded("{at}", "anna.berg{at}nordwind-shop{dot}de", "obfuscated"),
    encoded("[AT]", "ANNA.BERG [AT] NORDWIND-SHOP [DOT] DE", "obfuscated"),
    encoded("_at_", "anna.berg_at_nordwind-shop_dot_de", "obfuscated"),
    encoded("full-width sign", "anna.berg\uff20nordwind-shop.de", "unicode"),
    encoded("small sign", "anna.berg\ufe6bnordwind-shop.de", "unicode"),
    encoded(
        "full-width letters",
        "\uff41\uff4e\uff4e\uff41\uff20\uff4e\uff4f\uff52\uff44\uff0e\uff44\uff45",
        "unicode",
    ),
    encoded("zero-width before the sign", "anna.berg\u200b@nordwind-shop.de", "unicode"),
    encoded("zero-width after the sign", "anna.berg@\u200bnordwind-shop.de", "unicode"),
    encoded("backslash in percent", "q=%22anna.berg%5Cu0040nordwind-shop.de%22 u0040", "percent>backslash"),
    encoded("entity in backslash", "anna.berg\\u0026#64;nordwind-shop.de", "backslash>html"),
]
