"""Addresses that are protected well enough, or are no one's."""

from tests.detectors.cases import Case

D = "nordwind-shop.de"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def masked(name: str, text: str) -> Case:
    return Case(name, text, ("masked",))


def token(name: str, text: str) -> Case:
    return Case(name, text, ("pseudonymised",))


def nobody(name: str, text: str, path: str = "") -> Case:
    return Case(name, text, ("not_personal",), path=path)


CASES = [
    masked("fully masked", f"***@{D}"),
    masked("bullets", f"\u2022\u2022\u2022\u2022@{D}"),
    masked("[REDACTED]", f"[REDACTED]@{D}"),
    masked("<redacted>", f"<redacted>@{D}"),
    masked("crossed out", f"xxxx@{D}"),
    masked("one visible", f"a***@{D}"),
    masked("two visible", f"a***g@{D}"),
    masked("masked in a sentence", f"sent to a*******g@{D}."),
    masked("masked in logfmt", f"rcpt=***@{D} code=250"),
    Case("masked, percent-encoded", f"m=***%40{D}", ("masked",), "percent"),
    token("token as local part", f"tok_8f3Kd92Lm0@{D}"),
    token("<pseudonym:…>", f"<pseudonym:8f3ad92b>@{D}"),
    token("md5 as local part", f"5f4dcc3b5aa765d61d8327deb882cf99@{D}"),
    token("sha1 as local part", f"{HEX[:40]}@{D}"),
    token("sha256 as local part", f"{HEX}@{D}"),
    token("UUID as local part", f"3f2504e0-4f89-41d3-9a0c-0305e82c3301@{D}"),
    token("Apple relay", "x7k2m9qp4d@privaterelay.appleid.com"),
    token("Firefox relay", "q8w7e6r5t@mozmail.com"),
    token("GitHub no-reply", "12345678+aberg@users.noreply.github.com"),
    nobody("example.com", "anna.berg@example.com"),
    nobody("under example.org", "anna.berg@mail.example.org"),
    nobody(".example", "anna.berg@shop.example"),
    nobody(".test", "anna.berg@shop.test"),
    nobody(".invalid", "anna.berg@shop.invalid"),
    nobody("info@", f"info@{D}"),
    nobody("support@, with country", f"support-de@{D}"),
    nobody("no-reply@", f"no-reply@{D}"),
    nobody("donotreply@ with a number", f"donotreply17@{D}"),
    nobody("postmaster@", f"postmaster@{D}"),
    nobody("crawler", f"From: bingbot@{D}"),
    nobody("role with tag", f"orders+4711@{D}"),
    nobody("root@localhost", "root@localhost"),
    nobody("service account", "billing-sync@nordwind-prod.iam.gserviceaccount.com"),
    nobody("cluster service", "reader@db.svc.cluster.local"),
    nobody(
        "crawler contact",
        "Mozilla/5.0 (compatible; Nordbot/1.0; jo.lund@nordbot.org)",
        "user_agent.original",
    ),
    nobody(
        "crawler contact after +http", "nordcrawl (+http://nordbot.org; jo.lund@nordbot.org)", "user_agent"
    ),
    nobody("library contact", "nordlib_2.6 jo.lund@nordbot.org", "http.user_agent"),
    nobody(
        "crawler contact in a raw line",
        '192.0.2.1 - - [x] "GET / HTTP/1.1" 200 5 "-" "Nordbot/2.1 (+http://nordbot.org; jo@nordbot.org)"',
    ),
]
