"""The demo's month: which leaks the made-up logs of four weeks hold, and what its people decide about them.

Words only: `monitor.rehearsing` has the logs made and the decisions written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

WEEKS = 4
EVENTS_PER_DAY = 4_000
"""Ordinary events; what is planted comes on top."""

DPO, REVIEWER = "dora", "rene"
ACCOUNTS = {DPO: "dpo", REVIEWER: "reviewer", "ava": "auditor", "adam": "admin"}
"""Made-up people and their roles."""

TEXTS = "texts"
AWARE = "aware"
VENDOR = "vendor"
TOLD = "told"


@dataclass(frozen=True, slots=True)
class Act:
    """What is done with the cases of a rule.

    Attributes:
        monday: after which week, from 0.
        do: a state of the review, or one of the words above: the register's texts are written, the moment of
            awareness set, the confidentiality factor raised, the authority told.
        words: the reason; of the texts the decision.
        by: account.
        alone: what needs a second person still waits for one.
        after: hours after the rest of that Monday's work.
        ago: hours before the demo is made at the earliest, so that a clock still runs.
        texts: of the register, without the decision.
    """

    monday: int
    do: str
    words: str
    by: str = REVIEWER
    alone: bool = False
    after: int = 0
    ago: int = 0
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Thread:
    """A rule (its name): the weeks in whose logs its leaks are, from 0, and what becomes of them."""

    rule: str
    weeks: tuple[int, ...]
    acts: tuple[Act, ...] = ()


_CONTACT = "dora, data protection officer of a company that does not exist"
_DIAGNOSES = {
    "nature": "Diagnoses stood in clear in an application log that a vendor keeps for us.",
    "cause": "A logger wrote the whole appointment, with its reason, after a release.",
    "effects": "The vendor's staff could read them. Nothing says that anybody did.",
    "measures": "The logger is mended; the vendor erased the records and confirmed it.",
    "contact": _CONTACT,
}
_PASSWORDS = {
    "nature": "Passwords of customers stood in clear in the log of the sign-in form, kept by a vendor.",
    "cause": "A logger wrote the whole form where signing in failed.",
    "effects": "Who reads that log could sign in as these customers. Nothing says that anybody did.",
    "measures": "The passwords are reset; the vendor was asked to erase the records and to confirm it.",
    "contact": _CONTACT,
}
_WARDS = {
    "nature": "One account opened the records of sixty patients within half an hour.",
    "cause": "A ward was moved to another house overnight; the order was not noted in the system.",
    "effects": "None that is known: who opened them treats these patients now.",
    "measures": "Orders of this kind are noted before the first record is opened.",
    "contact": _CONTACT,
}

_ALL = (0, 1, 2, 3)
_ANALYTICS = "needed until analytics works with keyed hashes; access is restricted to three people"
_MENDED = "not logged any more since that day's release"
_LOOKED = "looked at the logs of three days: nothing of it"

THREADS = (
    Thread(
        "health_data_in_clear",
        (1,),
        (
            Act(1, "breach_candidate", "diagnoses in clear went to the vendor who keeps our logs", DPO),
            Act(1, AWARE, "the vendor confirmed this morning that the records had arrived", DPO),
            Act(1, VENDOR, "the log is kept by a vendor outside, who may read it", DPO),
            Act(
                1,
                TEXTS,
                "Notified: a risk to the people concerned cannot be ruled out.",
                DPO,
                texts=_DIAGNOSES,
            ),
            Act(1, TOLD, "made-up reference DEMO-0815, first phase", DPO, after=26),
            Act(2, TOLD, "made-up reference DEMO-0815, second phase: numbers and measures", DPO),
            Act(2, "remediated", _MENDED, DPO),
            Act(3, "verified", _LOOKED, DPO),
        ),
    ),
    Thread(
        "credentials_in_clear",
        (3,),
        (
            Act(
                3, "breach_candidate", "passwords in clear went to the vendor who keeps our logs", DPO, ago=28
            ),
            Act(3, AWARE, "the vendor called: the records had arrived and were indexed", DPO, ago=28),
            Act(3, VENDOR, "the log is kept by a vendor outside, who may read it", DPO, ago=28),
            Act(3, TEXTS, "", DPO, ago=28, texts=_PASSWORDS),
        ),
    ),
    Thread(
        "bulk_read_patients",
        (2,),
        (
            Act(
                2, "breach_candidate", "records of other wards were opened; the reason is not known yet", DPO
            ),
            Act(
                2,
                TEXTS,
                "Not notified: a ward was moved, ordered in writing; no risk to anybody.",
                DPO,
                texts=_WARDS,
            ),
            Act(2, "confirmed", "the order existed, but nobody had noted it in the system", DPO, after=5),
        ),
    ),
    Thread(
        "email_in_url",
        (0, 1, 2),
        (
            Act(0, "confirmed", "the link to unsubscribe carries the address; a token will do"),
            Act(2, "remediated", "links carry a token since Friday"),
            Act(3, "verified", _LOOKED, DPO),
        ),
    ),
    Thread(
        "credentials_in_url",
        (0, 3),
        (
            Act(0, "confirmed", "an old client signs in by GET; its team is told"),
            Act(0, "remediated", "the old client is refused", after=30),
            Act(1, "verified", _LOOKED, DPO),
        ),
    ),
    Thread("email_in_application_log", _ALL, (Act(0, "confirmed", "the mailer logs whom it writes to"),)),
    Thread("email_hashed_without_key", _ALL, (Act(0, "accepted_risk", _ANALYTICS),)),
    Thread(
        "person_name_in_clear", _ALL, (Act(0, "in_review", "asked the parcel team what they need it for"),)
    ),
    Thread("email_in_referrer", _ALL, (Act(1, "confirmed", "follows from the addresses in our own URLs"),)),
    Thread(
        "database_connection_without_encryption",
        _ALL,
        (Act(0, "in_review", "the network team looks which of these hosts are outside the cluster"),),
    ),
    Thread(
        "outdated_encryption_in_transit",
        (0, 1),
        (
            Act(0, "confirmed", "the mail gateway still takes TLS 1.0"),
            Act(1, "remediated", "TLS 1.2 is the least since Sunday"),
            Act(2, "verified", _LOOKED, DPO),
        ),
    ),
    Thread(
        "email_in_database_audit",
        (0, 1),
        (
            Act(0, "confirmed", "statements are logged with their values"),
            Act(1, "remediated", "statements are logged without values"),
            Act(2, "verified", _LOOKED, DPO),
        ),
    ),
    Thread(
        "iban_in_text",
        (0, 1),
        (Act(1, "false_positive", "the account numbers of our own company, which are on every invoice"),),
    ),
    Thread(
        "client_address_not_truncated",
        (1, 2),
        (Act(2, "false_positive", "the addresses are those of our own load balancers"),),
    ),
    Thread(
        "patient_record_opened_by_many",
        (1,),
        (Act(1, "out_of_scope", "an emergency: the whole shift was called in, the head of the ward says"),),
    ),
    Thread(
        "bulk_read_customers",
        (0, 2, 3),
        (Act(0, "in_review", "asked the head of sales whether somebody ordered this"),),
    ),
    Thread("device_identifier_in_clear", (1, 2, 3), (Act(1, "out_of_scope", "phones of our own couriers"),)),
    Thread(
        "marketing_without_consent",
        (2,),
        (
            Act(2, "confirmed", "withdrawals were imported a day late"),
            Act(3, "remediated", "withdrawals are read at the time of sending"),
        ),
    ),
    Thread(
        "record_read_past_retention",
        (1, 2),
        (Act(2, "in_review", "these should have been erased in spring"),),
    ),
    Thread(
        "cloud_object_without_encryption", (2, 3), (Act(2, "confirmed", "the bucket of the nightly export"),)
    ),
    Thread(
        "transfer_outside_approved_countries",
        (2, 3),
        (
            Act(
                3,
                "false_positive",
                "the new hoster's contract covers that country; our list lags",
                alone=True,
            ),
        ),
    ),
    Thread(
        "contact_details_in_clear",
        (1, 2, 3),
        (Act(3, "accepted_risk", "needed on labels until the carrier has its own interface", alone=True),),
    ),
    Thread("national_id_in_clear", (2, 3), (Act(3, "in_review", "asked payroll since when this is logged"),)),
    *(
        Thread(rule, (3,))
        for rule in (
            "card_number_in_clear",
            "session_cookie_in_log",
            "token_in_text",
            "signed_in_request_without_encryption",
            "repeated_exports",
            "secrets_in_stack_trace",
            "one_time_code_in_clear",
        )
    ),
)
"""Everything that happens in the month."""


def planted(week: int) -> frozenset[str]:
    """Names of the rules whose leaks are in the logs of a week, from 0."""
    return frozenset(thread.rule for thread in THREADS if week in thread.weeks)


def acts(monday: int) -> list[tuple[str, Act]]:
    """What is done on a Monday and in the days after it, in order, each with its rule's name."""
    found = [(thread.rule, act) for thread in THREADS for act in thread.acts if act.monday == monday]
    return sorted(found, key=lambda one: (one[1].ago > 0, one[1].after))
