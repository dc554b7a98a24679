"""Nothing personal leaves the engine: known values go in by every door, and are looked for at every exit."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
from pyarrow import CompressedOutputStream

from monitor.errors import SettingsError
from monitor.settings import load_settings
from tests.support.command import privwatch

LOCAL = "quirinius.tannhaeuser"
PLANTED = {
    "e-mail": f"{LOCAL}@nordwind-shop.de",
    "local part": LOCAL,
    "surname": "tannhaeuser",
    "IBAN": "DE89370400440532013000",
    "card": "4556737586899855",
    "password": "Zwetschgenkuchen-77",
    "national id": "86095742719",
    "phone": "+4915112345678",
    "customer": "kd-90210-xq77",
    "diagnosis": "F32.1 depressive",
    "token": "tok7fQ9zLw3KpV5n",
    "stranger": "ortrud.wessobrunn@acme-hospital.org",
    "address": "203.0.113.77",
}
"""What must not come out. Reserved for tests: no one has them, and nothing else in this project does."""


def event(n: int = 0) -> dict[str, object]:
    """An event with every planted value: in fields, arrays, keys, URLs, text, and JSON inside a string."""
    p = PLANTED
    return {
        "@timestamp": f"2026-11-16T08:{n % 60:02}:00Z",
        "service": {"name": "shop-api"},
        "event": {"action": "view"},
        "user": {"name": p["e-mail"], "email": p["e-mail"], "phone": p["phone"], "ssn": p["national id"]},
        "customer": {"id": f"{p['customer']}-{n}"},
        "patient": {"id": p["customer"], "diagnosis": p["diagnosis"]},
        "payment": {"iban": p["IBAN"], "card_number": p["card"]},
        "form": [{"password": p["password"]}, {"password": [p["password"]]}],
        "by_owner": {p["e-mail"]: 3, p["stranger"]: {"phone": p["phone"]}},
        "source": {"ip": p["address"]},
        "url": {"original": f"/c/{p['customer']}?mail={quote(p['e-mail'])}&password={p['password']}"},
        "session_token": p["token"],
        "message": f"for {p['e-mail']}, card {p['card']}, {p['IBAN']}, password={p['password']}",
        "body": json.dumps({"to": p["stranger"], "pay": {"iban": p["IBAN"]}}),
        "error": {"message": f"no such user {p['stranger']}"},
    }


def access_line() -> str:
    p = PLANTED
    url = f"/c/{p['customer']}?mail={quote(p['e-mail'])}&card={p['card']}&access_token={p['token']}"
    agent = f"Mozilla/5.0 ({p['stranger']})"
    return (
        f'{p["address"]} - {p["e-mail"]} [16/Nov/2026:08:00:00 +0000] "GET {url} HTTP/1.1" 200 5 '
        f'"https://shop.test/?m={p["e-mail"]}" "{agent}"'
    )


def bad_records() -> list[bytes]:
    """Records that become no event, each with planted values in it."""
    whole = json.dumps(event()).encode()
    return [
        whole[:-40],  # cut short
        whole + b" " + PLANTED["e-mail"].encode(),  # text after the end
        whole.replace(b"shop-api", b"\xff\xfe"),  # not UTF-8
        json.dumps(PLANTED["e-mail"]).encode(),  # a single value
        f"{PLANTED['e-mail']} {PLANTED['IBAN']} {PLANTED['password']}".encode(),  # no JSON
        b"[" * 2_000 + PLANTED["card"].encode(),  # too deep
    ]


def write_logs(folder: Path) -> None:
    """One file of every format, some compressed, some broken."""
    lines = [json.dumps(event(n)).encode() for n in range(120)]
    text = b"\n".join([*lines, *bad_records()]) + b"\n"
    (folder / "app.ndjson").write_bytes(text)
    (folder / "app2.ndjson.gz").write_bytes(gzip.compress(text))
    (folder / "cut.ndjson.gz").write_bytes(gzip.compress(text)[:-200])
    with CompressedOutputStream(str(folder / "app3.ndjson.zst"), "zstd") as packed:
        packed.write(text)
    (folder / "access.log").write_text(f"{access_line()}\n{PLANTED['e-mail']} is no line\n{access_line()}\n")
    (folder / "plain.txt").write_text(f"{event()['message']}\n\n{access_line()[20:]}\n")
    flat = {"user.email": PLANTED["e-mail"], "message": str(event()["message"]), "iban": PLANTED["IBAN"]}
    table = pl.DataFrame([flat] * 3)
    table.write_parquet(folder / "table.parquet")
    table.write_csv(folder / "table.csv")
    with (folder / "table.csv").open("a") as file:
        file.write(f"{PLANTED['e-mail']},{PLANTED['IBAN']},{PLANTED['card']},too,many\n")
    (folder / "broken.parquet").write_bytes(b"PAR1" + PLANTED["e-mail"].encode() * 40)


def encodings(value: str) -> Iterator[bytes]:
    """The value as it would look if somebody had merely encoded or hashed it."""
    for text in {value, value.upper(), value.lower(), value.title(), value[::-1]}:
        data = text.encode()
        yield data
        yield quote(text, safe="").encode()
        yield quote(text, safe="@").encode()
        yield json.dumps(text).encode()[1:-1]
        yield text.replace("@", "\\u0040").encode()
        yield from (data.hex().encode(), data.hex().upper().encode())
        yield text.encode("utf-16-le")
        for shift in range(3):  # wherever the value stands in what was encoded
            encoded = base64.b64encode(b"\0" * shift + data)[4:-4]
            yield from (encoded, encoded.translate(bytes.maketrans(b"+/", b"-_")))
    for name in ("md5", "sha1", "sha256", "sha512"):
        for text in {value, value.upper(), value.lower()}:
            digest = hashlib.new(name, text.encode())
            yield from (digest.hexdigest().encode(), digest.digest(), base64.b64encode(digest.digest()))


NEEDLES = [(name, needle) for name, value in PLANTED.items() for needle in encodings(value)]


def leaks(data: bytes) -> set[str]:
    return {name for name, needle in NEEDLES if needle in data}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("taint") / "logs"
    folder.mkdir()
    write_logs(folder)
    return folder


def run(folder: Path, *arguments: str | Path, given: bytes = b"") -> tuple[int, bytes]:
    """The command: its exit code, and everything it said on both streams."""
    done = privwatch(*arguments, folder=folder, given=given, columns=200)
    return done.code, (done.out + done.err).encode()


def stored(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_needles_are_found_where_they_are(logs: Path) -> None:
    assert leaks((logs / "app.ndjson").read_bytes()) == set(PLANTED)
    assert leaks(b"x" + base64.b64encode(b"to " + PLANTED["e-mail"].encode())) >= {"e-mail"}
    assert leaks(hashlib.sha256(PLANTED["IBAN"].encode()).hexdigest().encode()) == {"IBAN"}


@pytest.fixture(scope="module")
def replayed(logs: Path) -> tuple[Path, bytes]:
    """A folder with the store of a replay, and what it said, by a process of its own: all of both streams."""
    folder = logs.parent / "replayed"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "replay", logs, "--store", "store/a.db", "--output", "json"],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr.decode()
    return folder, done.stdout + done.stderr


def test_replay_tells_and_stores_no_value(replayed: tuple[Path, bytes]) -> None:
    folder, said = replayed
    assert b"health_data_in_clear" in said
    assert leaks(said) == set()
    kept = stored(folder)
    assert {"a.db", "a.key"} <= set(kept)
    assert {name: leaks(data) for name, data in kept.items() if leaks(data)} == {}


@pytest.mark.parametrize("output", ["table", "details", "ndjson"])
def test_nor_does_it_in_any_other_form(logs: Path, replayed: tuple[Path, bytes], output: str) -> None:
    code, said = run(replayed[0], "replay", logs, "--store", "store/a.db", "--output", output)
    assert code == 1
    assert b"violations of" in said
    assert leaks(said) == set()


def test_nor_do_values_of_allow_lists_and_of_detectors_of_ones_own(logs: Path, tmp_path: Path) -> None:
    examples = "{matches: [kd-11111-xq11], passes: [a]}"
    custom = f"{{what: customers, pattern: 'kd-[0-9]{{5}}-xq[0-9]{{2}}', examples: {examples}}}"
    allow = (
        f"values: [{PLANTED['stranger']}], owner: DPO, reason: nobody stands behind it, expires: 2099-01-01"
    )
    (tmp_path / "p.yml").write_text(
        f"detectors:\n  custom: {{customer_no: {custom}}}\n"
        f"  allow: {{own: {{detectors: [email], {allow}}}}}\n"
    )
    (tmp_path / "rule.yml").write_text(
        "title: A\nid: 3f2f2c0e-1111-4b6a-8a57-0e5f0c9f5a01\nname: one\nlevel: low\n"
        "logsource: {category: application}\n"
        "detection: {found: {'|pii': customer_no}, condition: found}\n"
        "x_tests:\n  - {name: a, expect: match, events: [{set: {m: kd-11111-xq11}}]}\n"
        "  - {name: b, expect: no_match, events: [{set: {m: a}}]}\n"
    )
    rules = ("--rules", "shipped", "--rules", "rule.yml", "--config", "p.yml")
    code, said = run(
        tmp_path,
        "replay",
        logs,
        "--store",
        "store/a.db",
        "-o",
        "details",
        "--category",
        "application",
        *rules,
    )
    assert code == 1
    assert b"[customer_no]" in said
    assert b"passed over by the allow-list own:" in said
    _, scanned = run(
        tmp_path, "scan", logs, "--config", "p.yml", "--html", "page.html", "--rules", "proposed"
    )
    page = (tmp_path / "page.html").read_bytes()
    assert b"customer_no" in scanned
    assert b"customer_no" in page
    for name, data in {"said": said, "scanned": scanned, "page": page, **stored(tmp_path / "store")}.items():
        assert leaks(data) == set(), name


def test_every_bad_record_is_counted(replayed: tuple[Path, bytes]) -> None:
    for reason in (b"truncated", b"trailing_text", b"not_utf8", b"not_json", b"too_deep", b"bad_row"):
        assert reason in replayed[1]
    assert b"damaged_file" in replayed[1]


def test_the_write_ahead_log_of_a_process_that_died_holds_no_value(logs: Path, tmp_path: Path) -> None:
    dies = (
        "import os; from monitor.store import repository; from monitor.__main__ import main;"
        "repository.SqlStore.close = lambda self: os._exit(9); main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", dies, "replay", logs, "--store", "a.db"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 9, done.stderr.decode()
    kept = stored(tmp_path)
    assert len(kept["a.db-wal"]) > 10_000
    assert {name: leaks(data) for name, data in kept.items() if leaks(data)} == {}


@pytest.mark.parametrize("file", ["app.ndjson", "access.log", "plain.txt", "table.csv", "table.parquet"])
@pytest.mark.parametrize("rule", ["email_in_application_log", "credentials_in_text", "bulk_read_customers"])
def test_explain_masks_what_it_shows(logs: Path, tmp_path: Path, rule: str, file: str) -> None:
    code, said = run(tmp_path, "explain", rule, "--event", logs / file, "--line", "2")
    assert code in {0, 2}
    assert leaks(said) == set()


def test_explain_of_bad_records_and_of_standard_input(logs: Path, tmp_path: Path) -> None:
    given = b"\n".join(bad_records())
    code, said = run(tmp_path, "explain", "email_in_url", "--event", "-", "--format", "json", given=given)
    assert code == 2
    assert b"no event (" in said
    assert leaks(said) == set()


def test_errors_do_not_quote_what_they_read(logs: Path, tmp_path: Path) -> None:
    value = PLANTED["e-mail"]
    (tmp_path / "store.db").write_text(f"{value} " * 100)
    (tmp_path / "key").write_text(value)
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "nul.db").write_bytes(b"SQLite format 3\0" + value.encode() * 100)
    for arguments in (
        ["replay", logs, "--store", "store.db"],
        ["replay", logs, "--store", "nul.db"],
        ["replay", logs, "--store", "a.db", "--key", "key"],
        ["replay", logs, "--store", "a.db", "--rules", logs / "app.ndjson"],
        ["replay", logs / "broken.parquet", "--store", "b.db"],
        ["replay", logs / "app.ndjson", "--store", "c.db", "--format", "access"],
        ["replay", logs / "app.ndjson", "--store", "d.db", "--format", "table"],
    ):
        code, said = run(tmp_path, *arguments)
        assert code in {1, 2}, arguments
        assert leaks(said) == set(), arguments


@pytest.mark.parametrize(
    "text", ["sources: {kafka: {bootstrap: [VALUE], what: VALUE}}", "store: {VALUE", "VALUE"]
)
def test_settings_that_are_wrong_are_not_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "privwatch.yml"
    path.write_text(text.replace("VALUE", PLANTED["password"]), encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_settings(
            path, {"PRIVWATCH_STORE__NAMESPACE": PLANTED["token"], "PRIVWATCH_X": PLANTED["e-mail"]}
        )
    assert leaks(str(refused.value).encode()) == set()
