"""Planted: connections and files without encryption, transfers, reads without a purpose or too late.

One case for each rule of these families, and the tables that a user of such rules gives.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from monitor.demo import company as made_up
from monitor.demo.application import Record, record, request
from monitor.demo.cases import APPLICATION, DATABASE, Case, Leak
from monitor.demo.database import audit
from monitor.demo.rhythm import Period, iso

_ANALYST = made_up.company().analysts[1]
_AGENT = made_up.company().agents[2]

TABLES = {
    "approved_recipients": "host,valid_from\nletters.nordwind-shop.de,2020-01-01\n",
    "open_tickets": "ticket,valid_from,valid_until\nT-1001,2026-01-01,\nT-1002,2026-01-01,2026-02-01\n",
    "marketing_consents": "customer,valid_from,valid_until\nC50001,2024-05-01,\n"
    "C50002,2024-05-01,2026-03-31\n",
    "restricted_records": "subject,valid_from\nC50003,2026-01-15\n",
    "erased_records": "subject,valid_from\nC50004,2026-02-01\n",
    "retention_ended": "subject,valid_from\nC50005,2026-01-01\n",
}
"""Name to CSV. Customers from 50000 on occur in no ordinary traffic."""


def write_tables(folder: Path) -> None:
    """Write `TABLES` into a folder, which is to be called `lookups`.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")


def _cloud(name: str, **fields: object) -> Callable[[Random, int], Record]:
    """A record of a cloud's audit log, as a collector passes it on."""

    def make(rng: Random, when: int) -> Record:
        return {
            "@timestamp": iso(when),
            "service": {"name": "cloud-audit"},
            "eventName": name,
            "awsRegion": "eu-central-1",
            "userIdentity": {"arn": "arn:aws:iam::123456789012:user/migration"},
            "sourceIPAddress": made_up.visitor(rng),
            **fields,
        }

    return make


def _does(service: str, action: str, **fields: object) -> Callable[[Random, int], Record]:
    return lambda rng, when: record(rng, when, service, action, "done", **fields)


def _opens(customer: str, **fields: object) -> Callable[[Random, int], Record]:
    user = {"name": _AGENT, "roles": ["agent"]}
    return _does("crm", "read", user=user, customer={"id": customer}, **fields)


def _sign_in(rng: Random, when: int) -> Record:
    tls = {"established": False}
    return record(rng, when, "portal", "request", "request done", **request(rng, "POST", "/login"), tls=tls)


def _page(rng: Random, when: int) -> Record:
    asked = request(rng, "GET", "/account/orders")
    user = {"name": f"member{rng.randrange(900)}"}
    return record(
        rng, when, "portal", "request", "request done", **asked, user=user, tls={"established": False}
    )


def _copy(rng: Random, when: int) -> Record:
    return audit(rng, when, _ANALYST, "orders", "COPY orders TO '/tmp/orders.csv' CSV HEADER", rows=0)


_CIPHER = "ECDHE-RSA-AES128-GCM-SHA256"
_HEADER = "AuthHeader"
_MAIL_GATEWAY = {"established": True, "version": "1.0"}

_ENCRYPTION = (
    ("sign_in_without_encryption", "portal", "a form sent without TLS", 4, _sign_in),
    ("signed_in_request_without_encryption", "portal", "pages of accounts without TLS", 11, _page),
    (
        "outdated_encryption_in_transit",
        "mail-gw",
        "a partner who still uses TLS 1.0",
        13,
        _does("mail-gw", "mail_received", tls=_MAIL_GATEWAY),
    ),
    (
        "cloud_access_without_encryption",
        "",
        "objects read over plain HTTP",
        5,
        _cloud("GetObject", additionalEventData={"AuthenticationMethod": "QueryString"}),
    ),
    (
        "cloud_object_without_encryption",
        "",
        "objects stored as they are",
        6,
        _cloud("PutObject", additionalEventData={"AuthenticationMethod": _HEADER, "CipherSuite": _CIPHER}),
    ),
    (
        "cloud_storage_without_encryption",
        "",
        "a database made without encryption",
        1,
        _cloud("CreateDBInstance", responseElements={"storageEncrypted": False}),
    ),
    (
        "sensitive_file_without_encryption",
        "",
        "dumps of patients",
        7,
        _does("backup", "creation", file={"path": "/var/backups/patients-weekly.sql.gz"}),
    ),
    ("table_copied_to_file", _ANALYST, "a table copied to a file", 2, _copy),
)
_TRANSFERS = (
    (
        "transfer_outside_approved_countries",
        "backup",
        "copies sent abroad",
        7,
        _does("backup", "replicate", destination={"geo": {"country_iso_code": "IN"}}),
    ),
    (
        "transfer_to_unapproved_recipient",
        "crm",
        "lists of customers to a host nobody knows",
        2,
        _does("crm", "upload", destination={"domain": "files.sharing.example"}),
    ),
    (
        "record_read_from_outside_approved_countries",
        _AGENT,
        "an agent on a journey",
        5,
        _opens("C50006", source={"ip": "203.0.113.200", "geo": {"country_iso_code": "VN"}}),
    ),
    (
        "cloud_snapshot_shared",
        "",
        "a copy of a database for another account",
        1,
        _cloud("ModifyDBSnapshotAttribute", requestParameters={"valuesToAdd": ["210987654321"]}),
    ),
    (
        "cloud_copy_to_another_region",
        "",
        "a snapshot sent to another continent",
        1,
        _cloud("CopySnapshot", requestParameters={"destinationRegion": "us-east-1"}),
    ),
)
_PURPOSE = (
    (
        "read_without_open_ticket",
        _AGENT,
        "a ticket that was closed long ago",
        3,
        _opens("C50006", ticket={"id": "T-1002"}),
    ),
    (
        "marketing_without_consent",
        "mailer",
        "a newsletter after the consent was withdrawn",
        4,
        _does("mailer", "newsletter_sent", customer={"id": "C50002"}),
    ),
    ("restricted_record_read", _AGENT, "a record under dispute", 2, _opens("C50003")),
    ("erased_record_read", _AGENT, "a record that came back with a backup", 1, _opens("C50004")),
    ("record_read_past_retention", _AGENT, "a record that should be gone", 3, _opens("C50005")),
)


def processing(seed: int, period: Period) -> list[Case]:
    """Every case of these families, its events spread over the period."""
    families = {"encryption": _ENCRYPTION, "transfers": _TRANSFERS, "purpose": _PURPOSE}
    return [
        Leak(rule, DATABASE if make is _copy else APPLICATION, actor, note, count, make).spread(
            family, seed, period
        )
        for family, cases in families.items()
        for rule, actor, note, count, make in cases
    ]
