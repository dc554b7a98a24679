"""Cases of keys, tokens and passwords, and of special categories. All made up.

Keys are glued together here, so that no scanner of repositories takes them for real ones.
"""

import base64
import json

from tests.detectors.cases import Case

NOISE = "b7Qz3kX9vLm2Tn8Rf5Wd1Yp6Hc4Js0Ga"
HEX = "9f86d081884c7d659a2feaa0c55ad015"


def no(name: str, text: str, path: str = "") -> Case:
    return Case(name, text, (), path=path)


def b64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


HEADER = b64url(json.dumps({"alg": "HS256", "typ": "JWT"}))
CLAIMS = b64url(json.dumps({"sub": "17", "exp": 1763287200}))
TOKEN = f"{HEADER}.{CLAIMS}.{NOISE}{NOISE[:11]}"
PEM = "-----BEGIN {}PRIVATE KEY-----"

API_KEY = [
    Case("AWS", "key=AKIA" + NOISE[:16].upper()),
    Case("AWS secret", f'aws_secret_access_key = "{NOISE}{NOISE[:8]}"'),
    Case("Azure storage", f"AccountName=x;AccountKey={(NOISE * 3)[:86]}==;End"),
    Case("GitHub", f"token ghp_{NOISE}{NOISE[:4]}"),
    Case("GitLab", f"glpat-{NOISE[:20]}"),
    Case("GitLab, trigger", f"glptt-{HEX}{HEX[:8]}"),
    Case("GitLab, incoming mail", f"glimt-{NOISE[:25]}"),
    Case("GitLab, job", f"glcbt-64_{NOISE[:20]}"),
    Case("GitLab, application", f"gloas-{NOISE * 2}"),
    Case("Azure storage, as a variable", f"accountKey={(NOISE * 3)[:86]}=="),
    Case("Slack", f"xoxb-123456789012-{NOISE[:24]}"),
    Case("Slack webhook", f"https://hooks.slack.com/services/T{NOISE[:8]}/B{NOISE[:8]}/{NOISE[:24]}"),
    Case("Stripe", f"sk_live_{NOISE}"),
    Case("Google", f"AIza{NOISE}abc"),
    Case("SendGrid", f"SG.{NOISE[:22]}.{NOISE}{NOISE[:11]}"),
    Case("npm", f"npm_{NOISE}{NOISE[:4]}"),
    Case("Vault", f"hvs.{NOISE}"),
    Case("Telegram", f"123456789:{NOISE}abc"),
    Case("percent", f"k%3Dglpat-{NOISE[:20]}%26x", ("encoded",), "percent"),
    Case("JSON in a string", f'{{\\"key\\":\\"sk_live_{NOISE}\\"}}'),
    Case("Stripe, test", f"sk_test_{NOISE}", ("not_personal",)),
    Case("AWS, documentation", "AKIAIOSFODNN7EXAMPLE", ("not_personal",)),
    no("GitLab, too short for its kind", f"glptt-{NOISE}"),
    no("GitLab, too long for its kind", f"glimt-{NOISE}"),
    no("too short", "AKIA" + NOISE[:8].upper()),
    no("lower case", "akia" + NOISE[:16].lower()),
    no("word", "sk_live_ and ghp_ are prefixes"),
    no("longer", "AKIA" + NOISE[:20].upper()),
]

JWT = [
    Case("header", f"Authorization: Bearer {TOKEN}"),
    Case("alone", TOKEN),
    Case("query", f"/x?access_token={TOKEN}&y=1"),
    no(
        "encrypted",
        f"{b64url(json.dumps({'alg': 'dir', 'enc': 'A256GCM'}))}.{CLAIMS}.{NOISE}.{NOISE}.{NOISE}",
    ),
    no("no header", f"{b64url(json.dumps({'typ': 'x', 'kid': '17'}))}.{CLAIMS}.{NOISE}"),
    no("two parts", f"{HEADER}.{CLAIMS}"),
]

PRIVATE_KEY = [
    Case("PKCS 8", f"{PEM.format('')}\n{NOISE}\n-----END PRIVATE KEY-----"),
    Case(
        "RSA, in JSON",
        f'{{\\"key\\":\\"{PEM.format("RSA ")}\\\\n{NOISE}\\\\n-----END RSA PRIVATE KEY-----\\"}}',
    ),
    Case("first line alone", PEM.format("OPENSSH ")),
    Case("under a passphrase", PEM.format("ENCRYPTED "), ("encrypted",)),
    no("public", "-----BEGIN PUBLIC KEY-----"),
    no("words", "PRIVATE KEY not found"),
]

BASIC_AUTH = [
    Case("header", f"Authorization: Basic {base64.b64encode(b'anna:hunter2').decode()}"),
    Case("JSON in a string", f'\\"authorization\\":\\"basic {base64.b64encode(b"anna:hunter2").decode()}\\"'),
    no("word", "Basic training for Anna"),
    no("no pair", f"Basic {base64.b64encode(b'anna hunter2').decode()}"),
    no("bytes", f"Basic {base64.b64encode(bytes(range(128, 150))).decode()}"),
]

BEARER_TOKEN = [
    Case("header", f"Authorization: Bearer {NOISE}"),
    no("word", "bearer authentication-is-required here"),
    no("masked", "Authorization: Bearer ****"),
    no("placeholder", f"Bearer {'x' * 32}1"),
]

PASSWORD = [
    Case("query", "/login?user=anna&password=hunter2&x=1"),
    Case("assigned", "connecting with pwd: hunter2"),
    Case("quoted", "password = 'correct horse'"),
    Case("JSON in a string", '{\\"password\\":\\"hunter2\\"}'),
    Case("other name", "db_password=hunter2"),
    Case("German", "Kennwort=hunter2"),
    Case("field", "hunter2", path="user.password"),
    Case("field, camel case", "hunter2", path="login.userPassword"),
    Case("masked", "password=****", ("masked",)),
    Case("redacted", "password=[REDACTED]", (), ""),
    Case(
        "hashed",
        "$2b$12$" + "R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        ("hashed",),
        path="password",
    ),
    Case("weakly hashed", f"password={HEX}", ("hashed_weak",)),
    no("sentence", "password required for user"),
    no("verdict", "password: invalid"),
    no("variable", "password=${DB_PASSWORD}"),
    no("format", "password=%s"),
    no("null", '{\\"password\\":null}'),
    no("other field", "hunter2", "user.name"),
    no("policy", "the passwordless flow"),
]

URL_PASSWORD = [
    Case("connection string", "postgres://shop:s3cret@db1.nordwind-shop.de:5432/shop"),
    Case("web address", "GET https://anna:hunter2@intranet.nordwind-shop.de/x"),
    Case("JSON in a string", '{\\"dsn\\":\\"redis:\\\\/\\\\/:s3cret@cache1:6379\\"}'),
    Case("masked", "amqp://shop:****@mq1/", ("masked",)),
    no("no password", "https://anna@intranet.nordwind-shop.de/x"),
    no("port", "https://intranet.nordwind-shop.de:8443/@anna"),
    no("variable", "postgres://shop:${PASSWORD}@db1/shop"),
    no("address", "http://localhost:5000/x@y"),
]

SPECIAL_CATEGORY = [
    Case("health", "F32.1", path="patient.diagnosis"),
    Case("camel case", "Penicillin", path="patient.drugAllergies"),
    Case("true says it", "true", path="user.isPregnant"),
    Case("a number", "140", path="patient.blood_pressure"),
    Case("religion", "rk", path="employee.konfession"),
    Case("union", "IG Metall", path="employee.trade_union_membership"),
    Case("biometrics", "AAECAwQFBgcICQ", path="user.fingerprint_template"),
    Case("masked", "****", ("masked",), path="patient.diagnosis"),
    no("absent", "null", "patient.diagnosis"),
    no("other field", "F32.1", "order.code"),
    no("in a text", "diagnosis F32.1", "message"),
]

CASES = {
    "api_key": API_KEY,
    "jwt": JWT,
    "private_key": PRIVATE_KEY,
    "basic_auth": BASIC_AUTH,
    "bearer_token": BEARER_TOKEN,
    "password": PASSWORD,
    "url_password": URL_PASSWORD,
    "special_category": SPECIAL_CATEGORY,
}
