"""Questions asked once, which leave nothing behind: are rules good, why did one match, what is in logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from monitor.app import load_rules, named_rules, today
from monitor.clock import Clock, SystemClock
from monitor.decode import AUTO, FORMATS
from monitor.detecting import Detection
from monitor.detectors.scrub import holds_personal_data
from monitor.engine.explain import Answer, Explained
from monitor.engine.plan import compile_plan
from monitor.engine.survey import Survey
from monitor.errors import InputError
from monitor.model import Reject
from monitor.pipeline.cases import run_cases
from monitor.pipeline.explain import ask, find_rule
from monitor.pipeline.survey import EVERYTHING, survey
from monitor.pipeline.ways import Decoding
from monitor.rules.diagnostics import Diagnostic, Problems
from monitor.rules.report import TestOutcome
from monitor.rules.ruleset import load
from monitor.sources.archive import ArchiveSource
from monitor.sources.events import event_batches


def check_rules(
    paths: Sequence[Path], clock: Clock, detection: Detection
) -> tuple[list[Diagnostic], list[TestOutcome]]:
    """Lint rules, and where they can be compiled, run the tests inside them; try detectors of one's own.

    Raises:
        SettingsError: an allow-list cannot be read.
    """
    day, said = today(clock), Problems()
    tried = detection.examined(day, said)
    catalogue = detection.catalogue(day)
    ruleset, diagnostics = load(named_rules(paths), day, scrub=holds_personal_data, catalogue=catalogue)
    return [*said.sorted(), *diagnostics], [*tried, *([] if ruleset is None else run_cases(ruleset))]


def explain(
    name: str,
    rules: Sequence[Path],
    events: Path | None,
    decoding: Decoding,
    *,
    line: int | None = None,
    detection: Detection | None = None,
) -> tuple[Explained, Iterator[Answer | Reject]]:
    """A rule, and what it says of each event of a file (`-` is standard input), or of one line of it.

    Raises:
        RuleError: the rules cannot be used, or none has that id or name.
        InputError: the file cannot be read.
    """
    ruleset, _ = load_rules(rules, SystemClock(), detection)
    plan = compile_plan(ruleset, decoding.aliases, decoding.time_fields)
    explained = find_rule(plan, name)
    batches = () if events is None else event_batches(events, decoding.format, plan.projection)
    return explained, ask(plan, explained, batches, line=line)


def scan(paths: Sequence[str], classes: tuple[str, ...], form: str, detection: Detection) -> Survey:
    """What the detector classes find in log files, counted by field and state.

    Raises:
        InputError: a path names nothing, a file cannot be read, or there is no such class or format.
        SettingsError: an allow-list cannot be read.
    """
    catalogue = detection.catalogue(today(SystemClock()))
    known = {"detector": catalogue.words, "format": (AUTO, *FORMATS)}
    for what, name in (*(("detector", each) for each in classes), ("format", form)):
        if name not in known[what]:
            raise InputError(f"there is no {what} {name!r}; there are {', '.join(known[what])}")
    source = ArchiveSource(paths, format=form, projection=EVERYTHING)
    source.start({})
    with closing(source):
        return survey(iter(lambda: source.poll(0), None), catalogue, classes)
