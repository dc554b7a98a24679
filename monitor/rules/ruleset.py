"""Files and folders to one rule set: references resolved, filters applied, everything checked at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from monitor.detectors import SHIPPED, Catalogue
from monitor.rules.baseline import with_habit
from monitor.rules.binding import bound, catalogued, digests, with_peers
from monitor.rules.chain import check_chain
from monitor.rules.correlation import CorrelationDraft, resolved
from monitor.rules.diagnostics import SUFFIXES, Diagnostic, Problems, Severity, failed, suggestion
from monitor.rules.document import MAX_BYTES, MapNode, Node, Scalar, read
from monitor.rules.filters import FilterDraft, apply, covers, expired, hidden
from monitor.rules.header import combined
from monitor.rules.lint import Scrubber, lint_rule
from monitor.rules.lookups import FOLDER, tables_below
from monitor.rules.parse import Draft, EventDraft, Parsed, parse
from monitor.rules.tree import Correlation, EventRule, Filter, Header, RuleSet, Selection, Span


def load(
    paths: Sequence[Path],
    today: dt.date,
    scrub: Scrubber | None = None,
    catalogue: Catalogue = SHIPPED,
) -> tuple[RuleSet | None, list[Diagnostic]]:
    """Read rule files, whatever their names, and folders (all `*.yml` and `*.yaml` below them).

    Files in folders called `lookups` are tables, see `monitor.rules.lookups`.

    Args:
        paths: files and folders.
        today: filters that expired before this day are not applied.
        scrub: looks for personal data in inline tests; None looks for none.
        catalogue: what the rules' detector classes are looked up in.

    Returns:
        The rule set, None where any diagnostic is an error; and all diagnostics by file and line.
        Its order is that of the files, its digest does not depend on it.
    """
    problems = Problems(detectors=catalogue.words)
    loader = _Loader(problems, today, scrub, catalogue)
    for name, path in _files(paths, problems):
        loader.read(name, path)
    loader.bind(paths)
    ruleset = loader.resolve()
    diagnostics = problems.sorted()
    return (None if failed(diagnostics) else ruleset), diagnostics


def _files(paths: Sequence[Path], problems: Problems) -> Iterator[tuple[str, Path]]:
    """Every file once, with the name it was reached by."""
    seen: set[Path] = set()
    for path in paths:
        for file in _below(path):
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield str(file), file
    if not seen:
        where = ", ".join(map(str, paths)) or "no path"
        message = f"There is no rule file in {where}."
        problems.add("no-rules", Span(where, 1, 1), message, "Name a folder or a file with rules.")


def _below(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = (file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    return sorted(file for file in files if not _aside(file.relative_to(path.parent).parts))


def _aside(parts: tuple[str, ...]) -> bool:
    """Whether a file is a table, or lies where Kubernetes keeps what the names it mounts link to."""
    return FOLDER in parts[:-1] or any(part.startswith("..") for part in parts)


@dataclass
class _Loader:
    problems: Problems
    today: dt.date
    scrub: Scrubber | None
    catalogue: Catalogue
    parsed: list[Parsed] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)
    """Ids and names also of documents that could not be parsed, so that one mistake is reported once."""
    whole: bool = True
    """Whether every file could be read to its end."""

    def read(self, name: str, path: Path) -> None:
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)  # some files, such as /dev/zero, have no end
        except OSError as error:
            message = f"The file cannot be read: {error.strerror}."
            self.problems.add(
                "file-unreadable", Span(name, 1, 1), message, "Check the path and its permissions."
            )
            self.whole = False
            return
        documents = read(name, data, self.problems)
        self.whole = self.whole and documents is not None
        for node in documents or ():
            self.declared.update(_declared(node))
            if (parsed := parse(node, self.problems)) is not None:
                self.parsed.append(parsed)

    def bind(self, paths: Sequence[Path]) -> None:
        """Give every lookup its table, every detector test the catalogue; a rule's digest covers both."""
        tables, named = tables_below(paths, self.problems)

        def selections(one: tuple[Selection, ...]) -> tuple[Selection, ...]:
            asking = one if self.catalogue is SHIPPED else catalogued(one, self.catalogue)
            return bound(asking, tables, named, self.problems)

        for number, each in enumerate(self.parsed):
            match each.draft:
                case EventDraft(rule=rule):
                    asked = selections(rule.selections)
                    header = _covering(rule.header, asked)
                    draft: Draft = replace(each.draft, rule=replace(rule, selections=asked, header=header))
                case FilterDraft(filter=one):
                    asked = selections(one.selections)
                    header = _covering(one.header, asked)
                    draft = replace(each.draft, filter=replace(one, selections=asked, header=header))
                case CorrelationDraft(correlation=correlation):
                    correlation = with_peers(correlation, tables, named, self.problems)
                    draft = replace(each.draft, correlation=correlation)
            self.parsed[number] = replace(each, draft=draft)

    def resolve(self) -> RuleSet:
        index = self.index()
        filters = [filtered for draft in self.filters() if (filtered := self.filter(draft, index))]
        rules = {rule.header.id: rule for rule in self.rules(filters)}
        counted = self.counted(index)
        correlations = tuple(
            replace(one, reported=one.header.id not in counted) for one in self.correlated(index, rules)
        )
        self.lint(counted)
        shown = tuple(replace(rule, reported=rule.header.id not in counted) for rule in rules.values())
        return replace(_ruleset(shown, correlations, tuple(filters)), hidden=self.hidden(filters, counted))

    def events(self) -> Iterator[EventDraft]:
        return (each.draft for each in self.parsed if isinstance(each.draft, EventDraft))

    def correlations(self) -> Iterator[CorrelationDraft]:
        return (each.draft for each in self.parsed if isinstance(each.draft, CorrelationDraft))

    def filters(self) -> Iterator[FilterDraft]:
        return (each.draft for each in self.parsed if isinstance(each.draft, FilterDraft))

    def index(self) -> dict[str, Parsed]:
        """Documents by id and by name; the first of a kind wins, the others are reported."""
        index: dict[str, Parsed] = {}
        for each in self.parsed:
            header = each.header
            for what, key in (("id", header.id), ("name", header.name)):
                first = index.setdefault(key, each) if key else each
                if first is not each:
                    message = (
                        f"The {what} '{key}' is already that of '{first.header.title}' ({first.header.span})."
                    )
                    self.problems.add(
                        f"duplicate-{what}", header.span, message, f"Give this one its own {what}."
                    )
        return index

    def filter(self, draft: FilterDraft, index: dict[str, Parsed]) -> Filter | None:
        """The filter with its rules resolved; None where it must not be applied."""
        one = draft.filter
        if expired(one, self.today):
            message = f"The filter '{one.header.title}' expired on {one.expires} and hides nothing any more."
            cure = "Review it: set a later x_expires, or remove the filter."
            self.problems.add("filter-expired", one.header.span, message, cure)
            return None
        rules = [self.target(each, index, Severity.WARNING) for each in draft.references]
        named = tuple(each.header.id for each in rules if each is not None)
        resolved = replace(one, rules=named)
        if draft.references and not named:
            return None  # each reference was reported; no rules at all would mean any
        if not any(_applies(resolved, each.rule) for each in self.events()):
            message = f"The filter '{one.header.title}' applies to no rule."
            cure = "Name rules of its logsource, or correct its logsource."
            self.problems.add("filter-unused", one.header.span, message, cure)
        return resolved

    def rules(self, filters: Sequence[Filter]) -> Iterator[EventRule]:
        for draft in self.events():
            yield apply(draft.rule, [one for one in filters if _applies(one, draft.rule)])

    def hidden(self, filters: Sequence[Filter], counted: set[str]) -> tuple[EventRule, ...]:
        """What filters hide of the rules that report; what a correlation does not count is kept nowhere."""
        rules = (each.rule for each in self.events() if each.rule.header.id not in counted)
        pairs = ((rule, [one for one in filters if _applies(one, rule)]) for rule in rules)
        return tuple(hidden(rule, applied) for rule, applied in pairs if applied)

    def correlated(self, index: dict[str, Parsed], rules: dict[str, EventRule]) -> tuple[Correlation, ...]:
        """The correlations over ids: first those over rules, then those that count them."""
        drafts = list(self.correlations())
        over = [any(self.is_correlation(each, index) for each in draft.references) for draft in drafts]
        plain = {
            draft.correlation.header.id: self.correlation(draft, index, rules, {})
            for draft, chained in zip(drafts, over, strict=True)
            if not chained
        }
        return tuple(
            self.correlation(draft, index, rules, plain) if chained else plain[draft.correlation.header.id]
            for draft, chained in zip(drafts, over, strict=True)
        )

    def is_correlation(self, reference: Scalar, index: dict[str, Parsed]) -> bool:
        found = _found(reference, index)
        return found is not None and isinstance(found.draft, CorrelationDraft)

    def correlation(
        self,
        draft: CorrelationDraft,
        index: dict[str, Parsed],
        rules: dict[str, EventRule],
        plain: dict[str, Correlation],
    ) -> Correlation:
        """The correlation over ids. Its digest covers the rules it counts: they decide what it finds."""
        found = ((each.text, self.counted_rule(draft, each, index, plain)) for each in draft.references)
        ids = {text: each.header.id for text, each in found if each is not None}
        self.once(draft.references, ids)
        counted = {name: rule.header.digest for name, rule in rules.items()}
        counted |= {name: one.header.digest for name, one in plain.items()}
        digests = (counted[each] for each in dict.fromkeys(ids.values()) if each in counted)
        inner = (plain[each] for each in dict.fromkeys(ids.values()) if each in plain)
        one = resolved(draft, ids, combined(draft.correlation.header.digest, digests))
        baseline = with_habit(one, [rules[each] for each in one.rules if each in rules])
        return replace(one, inner=tuple(inner), baseline=baseline)

    def once(self, references: Sequence[Scalar], ids: Mapping[str, str]) -> None:
        """Report a rule that is named twice, be it once by its id: it would be counted as one."""
        seen: set[str] = set()
        for each in references:
            if (known := ids.get(each.text)) in seen:
                message = f"'{each.text}' is the same rule as one named before it."
                self.problems.add(
                    "invalid-value", each.span, message, "Name each rule once.", width=len(each.text)
                )
            seen |= {known} if known else set()

    def counted_rule(
        self,
        draft: CorrelationDraft,
        reference: Scalar,
        index: dict[str, Parsed],
        plain: dict[str, Correlation],
    ) -> Parsed | None:
        target = self.target(reference, index, Severity.ERROR)
        if target is None or isinstance(target.draft, EventDraft):
            return target
        if (inner := plain.get(target.header.id)) is not None:
            return target if check_chain(draft.correlation, inner, reference, self.problems) else None
        message = f"'{reference.text}' is no rule, and no correlation over rules alone."
        cure = "Name detection rules, or correlations that count nothing but those."
        width = len(reference.text)
        self.problems.add("correlation-unsupported", reference.span, message, cure, width=width)
        return None

    def target(self, reference: Scalar, index: dict[str, Parsed], severity: Severity) -> Parsed | None:
        """What an id or a name refers to; reported where it refers to nothing."""
        found = _found(reference, index)
        if found is None and reference.text not in self.declared and self.whole:
            cure = f"{suggestion(reference.text, index)}Name a rule that is loaded too, by id or name."
            message = f"No rule has the id or name '{reference.text}'."
            width = len(reference.text)
            self.problems.add("unknown-rule", reference.span, message, cure, severity=severity, width=width)
        return found

    def counted(self, index: dict[str, Parsed]) -> set[str]:
        """Ids of the rules that only feed correlations."""
        used: set[str] = set()
        shown = {draft.rule.header.id for draft in self.events() if draft.generate}
        shown |= {draft.correlation.header.id for draft in self.correlations() if draft.generate}
        for draft in self.correlations():
            named = (_found(each, index) for each in draft.references)
            found = {each.header.id for each in named if each is not None}
            used |= found
            shown |= found if draft.generate else set()
        return used - shown

    def lint(self, counted: set[str]) -> None:
        for each in self.parsed:
            match each.draft:
                case EventDraft(rule=rule):
                    only_counted = rule.header.id in counted
                case CorrelationDraft(correlation=rule):
                    only_counted = rule.header.id in counted
                case FilterDraft():
                    continue
            lint_rule(rule, self.problems, ours=each.ours, counted=only_counted, scrub=self.scrub)


def _found(reference: Scalar, index: dict[str, Parsed]) -> Parsed | None:
    """What an id, in any case, or a name refers to."""
    return index.get(reference.text) or index.get(reference.text.lower())


def _covering(header: Header, selections: Sequence[Selection]) -> Header:
    """The header, its digest over the tables and changed catalogues as well that the selections ask."""
    asked = digests(selections)
    return replace(header, digest=combined(header.digest, asked)) if asked else header


def _applies(one: Filter, rule: EventRule) -> bool:
    return covers(one, rule.logsource) and (not one.rules or rule.header.id in one.rules)


def _declared(node: Node) -> set[str]:
    """What a document calls itself, read or not."""
    pairs = node.pairs if isinstance(node, MapNode) else ()
    return {value.text for key, value in pairs if key.text in {"id", "name"} and isinstance(value, Scalar)}


def _ruleset(
    rules: tuple[EventRule, ...], correlations: tuple[Correlation, ...], filters: tuple[Filter, ...]
) -> RuleSet:
    """The digest is that of the sorted digests of everything that is evaluated."""
    everything: tuple[EventRule | Correlation | Filter, ...] = (*rules, *correlations, *filters)
    digest = combined("", sorted(each.header.digest for each in everything))
    return RuleSet(rules, correlations, filters, digest)
