"""Whether everything is read and searched, how far behind, what it costs, and whether people are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.grafana.source.parts import Panel, Query, Row, dashboard, lines, number

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard

JOB = '{job="privwatch"}'
FACTS = 'privwatch_facts_total{job="privwatch",fact=~"late|untimed|unwatched|lost|cut|retried|fenced"}'


def build() -> Dashboard:
    """The dashboard."""
    return dashboard(
        "privwatch-pipeline",
        "Privwatch: pipeline",
        "Is everything read and searched? docs/runbooks.md says what to do where it is not.",
        (_running(), _reading(), _coverage(), _costs(), _telling(), _process()),
        since="now-6h",
    )


def _rate(metric: str, by: str = "") -> str:
    return f"sum {f'by ({by}) ' if by else ''}(rate({metric}{JOB}[$__rate_interval]))"


def _quantile(share: float, what: str) -> str:
    buckets = f"privwatch_{what}_seconds_bucket{JOB}"
    return f"histogram_quantile({share}, sum by (le) (rate({buckets}[$__rate_interval])))"


def _running() -> Row:
    late = f"max(job:privwatch_late:ratio_rate15m{JOB}) or vector(0)"
    waiting = f"sum(job:privwatch_lag_records:sum{JOB}) or vector(0)"
    rules = f"max(sum by (instance) (privwatch_rules_loaded{JOB}))"
    of_files = f"min(privwatch_rules_last_reload_successful{JOB})"
    return Row(
        "Now",
        (
            number("Instances that answer", "", f"sum(up{JOB})", width=4, height=4),
            number("Records a second", "", _rate("privwatch_records_total"), unit="cps", width=4, height=4),
            number("Records waiting", "", waiting, width=4, height=4, limits=(10_000.0, 1_000_000.0)),
            number("Rules in use", "", rules, width=4, height=4),
            number(
                "Late events",
                "Share that came after their windows closed.",
                late,
                unit="percentunit",
                width=4,
                height=4,
                limits=(0.01, 0.05),
            ),
            number("Rules of the files", "1 where those in use are them.", of_files, width=4, height=4),
        ),
    )


def _reading() -> Row:
    kinds = ("records", "events", "rejects")
    return Row(
        "Reading",
        (
            lines(
                "Records, events, rejects a second",
                "Rejects are records that became no event.",
                {kind: _rate(f"privwatch_{kind}_total") for kind in kinds},
                unit="cps",
            ),
            lines(
                "Records waiting, by partition",
                "Not yet in the store.",
                {"{{partition}}": f"sum by (partition) (privwatch_lag_records{JOB})"},
            ),
            lines(
                "Bytes of files waiting",
                "Not yet in the store.",
                {"{{partition}}": f"sum by (partition) (privwatch_lag_bytes{JOB})"},
                unit="bytes",
            ),
        ),
    )


def _coverage() -> Row:
    return Row(
        "Coverage",
        (
            lines(
                "Silence, by source",
                "Seconds since a source last brought a record.",
                {"{{source}}": f"source:privwatch_silence:min_seconds{JOB}"},
                unit="s",
            ),
            lines(
                "Rejects a second, by reason",
                "",
                {"{{reason}}": f"{_rate('privwatch_rejects_total', 'reason')} > 0"},
                unit="cps",
            ),
            lines(
                "Facts, within an hour",
                "docs/metrics.md says what each means.",
                {"{{fact}}": f"sum by (fact) (increase({FACTS}[1h]))"},
            ),
            lines(
                "Age of the latest event, by partition",
                "Where it stays high though records come: a wrong clock, or old logs.",
                {"{{partition}}": f"min by (partition) (privwatch_watermark_age_seconds{JOB})"},
                unit="s",
            ),
            Panel(
                "table",
                "Blind rules",
                "Rules that see nothing on a source, and the field they miss.",
                (Query(f"max by (rule, field, source) (privwatch_rule_blind{JOB})"),),
                width=16,
            ),
        ),
    )


def _costs() -> Row:
    return Row(
        "What it costs",
        (
            lines(
                "Seconds of a turn",
                "From its first batch to its results in the store.",
                {"half": _quantile(0.5, "turn"), "99 of 100": _quantile(0.99, "turn")},
                unit="s",
            ),
            lines(
                "Processors, by stage",
                "Seconds a second.",
                {"{{stage}}": _rate("privwatch_stage_seconds_sum", "stage")},
                stacked=True,
            ),
            lines(
                "Seconds of a transaction",
                "One in a hundred takes longer.",
                {"99 of 100": _quantile(0.99, "store_write")},
                unit="s",
            ),
            lines(
                "The five dearest rules",
                "Processors a rule takes; an estimate (docs/metrics.md).",
                {"{{rule}}": f"topk(5, sum by (rule) (rate(privwatch_rule_seconds_total{JOB}[1h])))"},
                width=24,
            ),
        ),
    )


def _telling() -> Row:
    sent = _rate("privwatch_alerts_sent_total", "target, status")
    failed = _rate("privwatch_alerts_failed_total", "target, reason")
    oldest = f"max by (target) (privwatch_alerts_oldest_seconds{JOB})"
    return Row(
        "Telling people",
        (
            lines(
                "Alerts that wait, by target",
                "",
                {"{{target}}": f"max by (target) (privwatch_alerts_waiting{JOB})"},
                width=6,
            ),
            lines("Age of the oldest of them", "", {"{{target}}": oldest}, unit="s", width=6),
            lines(
                "Alerts told and refused a minute",
                "",
                {
                    "{{target}} {{status}}": f"60 * {sent}",
                    "{{target}} {{reason}}": f"60 * {failed}",
                },
                width=6,
            ),
            lines(
                "Dead letters a minute",
                "Records that could not be read, written for people to see.",
                {"{{sink}}": f"60 * {_rate('privwatch_dead_letters_total', 'sink')}"},
                width=6,
            ),
        ),
    )


def _process() -> Row:
    memory = f"process_resident_memory_bytes{JOB}"
    return Row(
        "The process",
        (
            lines("Processors", "", {"{{instance}}": _rate("process_cpu_seconds_total", "instance")}),
            lines("Memory", "Resident.", {"{{instance}}": memory}, unit="bytes"),
            lines("Open files", "", {"{{instance}}": f"process_open_fds{JOB}"}),
        ),
    )
