"""Keys and tokens of services, by the form each service gives them: what a log must never hold."""

from __future__ import annotations

import json
import re
from typing import Final

from monitor.detectors.decodings import as_text, unbase64
from monitor.detectors.entry import CREDENTIAL, Entry
from monitor.detectors.gate import TOKENS, Gate
from monitor.detectors.item import Item
from monitor.detectors.scan import scanned
from monitor.detectors.states import ENCRYPTED, NOT_PERSONAL, RAW

_B64URL: Final = r"[A-Za-z0-9_\-]"

KEYS: Final = (
    ("aws access key", r"(?:A3T[A-Z0-9]|AKIA|ABIA|ACCA|ASIA)[A-Z0-9]{16}"),
    ("artifactory", r"AKC[A-Za-z0-9]{10,}"),
    ("azure devops", r"AzureDevOps[A-Za-z0-9]{40,}"),
    ("databricks", r"dapi[0-9a-f]{32}"),
    ("digitalocean", r"do[opr]_v1_[0-9a-f]{64}"),
    ("discord", r"[MNO][A-Za-z\d_-]{23,25}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,38}"),
    ("github", r"gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{40,255}"),
    ("gitlab", (rf"(?:gl(?:pat|dt|ft|soat|rt|ffct)-|GR1348941){_B64URL}{{20,50}}"
     rf"|(?:glcbt-(?:\w{{1,5}}_)?{_B64URL}{{20}}|glptt-{_B64URL}{{40}}|glimt-{_B64URL}{{25}}|glagent-{_B64URL}{{50,200}}"
     rf"|gloas-{_B64URL}{{64}})(?!-)")),
    ("google api", rf"AIza{_B64URL}{{35}}"),
    ("google oauth", rf"ya29\.{_B64URL}{{20,}}|GOCSPX-{_B64URL}{{28}}"),
    ("hashicorp vault", rf"hv[sbr]\.{_B64URL}{{24,}}"),
    ("hugging face", r"hf_[A-Za-z0-9]{34,}"),
    ("mailchimp", r"[0-9a-z]{32}-us[0-9]{1,2}"),
    ("npm", r"npm_[A-Za-z0-9]{36}|//[^\s/]+/:_authToken=[^\s$]{10,}"),
    ("language models", rf"sk-(?:[A-Za-z0-9]{{20}}T3BlbkFJ|proj-|svcacct-|ant-\w{{2,8}}-){_B64URL}{{20,}}"),
    ("pypi", rf"pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw){_B64URL}{{50,}}"),
    ("sendgrid", rf"SG\.{_B64URL}{{22}}\.{_B64URL}{{43}}"),
    ("shopify", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    ("slack", r"xox[abeoprs]-(?:[0-9A-Za-z]{1,32}-)+[0-9A-Za-z]{6,}"),
    ("slack webhook", r"hooks\.slack\.com/services/T[0-9A-Za-z_]{8,}/B[0-9A-Za-z_]{8,}/[0-9A-Za-z_]{20,}"),
    ("square", rf"sq0(?:csp|atp|idp)-{_B64URL}{{22,43}}"),
    ("stripe", r"(?:sk|rk)_(?P<mode>live|test)_[0-9A-Za-z]{24,247}|whsec_[0-9A-Za-z]{32,}"),
    ("telegram", r"[0-9]{8,10}:[0-9A-Za-z_\-]{35}"),
    ("twilio", r"(?:AC|SK)[0-9a-z]{32}"),
)  # fmt: skip
"""Service and form of its keys, as the services document them."""

_CANDIDATE: Final = rf"\b(?:{'|'.join(form for _, form in KEYS)})"
_ASSIGNED: Final = (
    r"aws\S{0,24}?(?:key|secret|token)\S{0,8}?[\"'\\]{0,4}\s{0,3}[:=]>?\s{0,3}[\"'\\]{0,4}(?P<aws>[A-Za-z0-9/+]{40})"
    r"|(?-i:[aA]ccount[kK]ey|ACCOUNTKEY)=(?P<azure>[A-Za-z0-9/+]{86}==)"
)
_ENDS = re.compile(r"[A-Za-z0-9_]")
_PLACEHOLDER = re.compile(r"(.)\1{15,}|EXAMPLE|x{8,}", re.IGNORECASE)
_VEILED: Final = r"%[0-9A-Fa-f]{2}|\\u|&#"
_PREFIXES: Final = (
    "A3T|AKIA|ABIA|ACCA|ASIA|AKC|sk-|AzureDevOps|dapi|_v1_|gh[pousr]_|github_pat_|GR1348941|AIza|ya29\\.|GOCSPX-"
    "|glpat-|gldt-|glft-|glsoat-|glrt-|glffct-|glcbt-|glptt-|glimt-|glagent-|gloas-"
    "|hv[sbr]\\.|hf_|-us|npm_|_authToken|pypi-AgE|SG\\.|shpat_|shpca_|shppa_|shpss_|xox[abeoprs]-|hooks\\.slack"
    "|sq0|k_live_|k_test_|whsec_|[aA][wW][sS]|ccountkey|ccountKey|CCOUNTKEY"
)
_TWILIO: Final = "(?:AC|SK)[0-9a-z]{32}"
_DISCORD: Final = r"[MNO][A-Za-z\d_-]{23,25}\.[A-Za-z\d_-]{6}\."
_TELEGRAM: Final = r"[0-9]:[0-9A-Za-z_\-]{35}"
_GATE: Final = Gate(
    exact=(
        r"A(?:3T|KIA|BIA|CCA|SIA|KC)[A-Z0-9a-z]{10}|sk-|AzureDevOps|dapi[0-9a-f]|do[opr]_v1_|gh[pousr]_|github_pat_"
        r"|gl[a-z]{2,5}-|GR1348941|AIza|ya29\.|GOCSPX-|hv[sbr]\.|hf_|-us[0-9]|npm_|_authToken|pypi-AgE|SG\."
        r"|shp[acps]{2}_|xox[abeoprs]-|hooks\.slack|sq0|[sr]k_(?:live|test)_|whsec_|[aA][wW][sS]"
        rf"|[aA](?:ccount[kK]ey|CCOUNTKEY)|{_TWILIO}|{_DISCORD}|[0-9]{{7}}{_TELEGRAM}"
    ),
    # Alternatives that begin with letters are searched for at many times the speed of the others.
    cheap=(_PREFIXES, f"{_TWILIO}|{_DISCORD}", _TELEGRAM),
    veiled=_VEILED,
)


def _key(match: re.Match[str], _path: str) -> Item | None:
    name = "aws" if match["aws"] else "azure"
    start, end = match.span(name) if match[name] else match.span()
    text = match.string
    if _ENDS.match(text[end : end + 1]) or (match["aws"] and text[end : end + 1] in ("/", "+", "=")):
        return None
    test = match["mode"] == "test" or _PLACEHOLDER.search(text[start:end])
    return Item(start, end, NOT_PERSONAL if test else RAW, 0.95)


def _jwt(match: re.Match[str], _path: str) -> Item | None:
    """Signed tokens: a header that names an algorithm; encrypted ones have five parts."""
    after = match.string[match.end() : match.end() + 1]
    if after == "." or not _names_algorithm(match["header"]):
        return None
    return Item(*match.span(), RAW, 0.95)


def _names_algorithm(part: str) -> bool:
    try:
        header = json.loads(unbase64(part) or b"")
    except ValueError:
        return False
    return isinstance(header, dict) and "alg" in header


def _private_key(match: re.Match[str], _path: str) -> Item | None:
    state = ENCRYPTED if match["kind"] == "ENCRYPTED " else RAW
    return Item(*match.span(), state, 0.99)


def _basic(match: re.Match[str], _path: str) -> Item | None:
    text = as_text(unbase64(match["pair"]) or b"")
    user, colon, word = (text or "").partition(":")
    if not (user and colon and word) or any(ord(c) < 32 for c in text or ""):
        return None
    return Item(*match.span("pair"), RAW, 0.95)


def _bearer(match: re.Match[str], _path: str) -> Item | None:
    token = match["token"]
    if not re.search(r"[0-9]", token) or _PLACEHOLDER.search(token):
        return None
    return Item(*match.span("token"), RAW, 0.9)


_PEM: Final = (
    r"-----BEGIN (?P<kind>|RSA |EC |DSA |OPENSSH |ENCRYPTED |SSH2 ENCRYPTED |PGP )PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:[A-Za-z0-9+/=\s\\:,.]|-(?!----)){0,8000}-----END [A-Z0-9 ]{0,20}PRIVATE KEY(?: BLOCK)?-----)?"
)

KEYS_AND_TOKENS: Final = (
    Entry(
        name="api_key",
        kind=CREDENTIAL,
        what="keys of services: "
        + ", ".join(name for name, _ in KEYS)
        + "; secret keys of AWS and Azure by name",
        checked="prefix, alphabet and length the service gives its keys",
        beware="keys for tests and those of documentation are not personal; other services' keys are missed",
        detector=scanned(f"{_CANDIDATE}|(?i:{_ASSIGNED})", _key),
        gate=_GATE,
    ),
    Entry(
        name="jwt",
        kind=CREDENTIAL,
        what="signed JSON Web Tokens, with which a session can be taken over while they last",
        checked="three parts, the first a header that names an algorithm (RFC 7519)",
        beware="tokens that are meant to be public, such as receipts",
        detector=scanned(r"\b(?P<header>eyJ[\w\-]{8,})\.eyJ[\w\-]{4,}\.[\w\-]{8,}", _jwt),
        gate=Gate(exact=r"eyJ[0-9A-Za-z_\-]{8,}\.eyJ", veiled=_VEILED, scan=TOKENS),
    ),
    Entry(
        name="private_key",
        kind=CREDENTIAL,
        what="private keys in PEM (RSA, EC, OpenSSH, PGP); those under a passphrase are encrypted",
        checked="the line they begin with (RFC 7468)",
        beware="messages that quote that line alone",
        detector=scanned(_PEM, _private_key),
        gate=Gate(exact=r"PRIVATE KEY", veiled=_VEILED, scan=TOKENS),
    ),
    Entry(
        name="basic_auth",
        kind=CREDENTIAL,
        what="user and password of HTTP's Basic scheme: base64 anyone can read",
        checked="the word Basic, and base64 of two texts with a colon between (RFC 7617)",
        beware="none known",
        detector=scanned(
            r"\bBasic(?: |%20|\+)(?P<pair>[A-Za-z0-9+/_\-]{4,}={0,2})", _basic, re.ASCII | re.IGNORECASE
        ),
        gate=Gate(exact=r"(?i:basic)(?: |%20|\+|\\+u002[bB])[0-9A-Za-z]", veiled=_VEILED, scan=TOKENS),
    ),
    Entry(
        name="bearer_token",
        kind=CREDENTIAL,
        what="tokens behind the word Bearer (RFC 6750)",
        checked="sixteen characters or more of a token's alphabet, a digit among them",
        beware="masks that keep the alphabet",
        detector=scanned(
            r"\bBearer(?: |%20|\+)(?P<token>[A-Za-z0-9_\-.~+/]{16,}={0,2})", _bearer, re.ASCII | re.IGNORECASE
        ),
        gate=Gate(
            exact=r"(?i:bearer)(?: |%20|\+|\\+u002[bB])[0-9A-Za-z_.~+/\\-]", veiled=_VEILED, scan=TOKENS
        ),
    ),
)
