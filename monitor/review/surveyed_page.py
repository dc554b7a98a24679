"""A survey as one HTML page that can be handed round: no script, nothing fetched, no value of the logs."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from monitor.detectors.catalogue import Catalogue
from monitor.detectors.entry import WHY
from monitor.engine.survey import COUNTED, SHOWN, Finding
from monitor.printable import cell
from monitor.review.totals import WORDS, counted

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --bad: #b3261e; --good: #1b6e3c; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --good: #81c995; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0 .75rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; border-bottom-width: 2px; }
.n { text-align: right; white-space: nowrap; width: 1%; }
code { font: .9em ui-monospace, monospace; white-space: nowrap; }
.bad { color: var(--bad); font-weight: 600; }
.good { color: var(--good); }
dt { font-weight: 600; margin-top: .6rem; }
dd { margin: 0; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } h2 { break-after: avoid; } }
"""


def page(findings: Sequence[Finding], catalogue: Catalogue, events: int, rejects: Mapping[str, int]) -> str:
    """The page: what is readable, what is protected, and what each class is."""
    return "\n".join(_page(findings, catalogue, events, rejects)) + "\n"


def _page(
    findings: Sequence[Finding], catalogue: Catalogue, events: int, rejects: Mapping[str, int]
) -> Iterator[str]:
    readable = [f for f in findings if f.state in SHOWN]
    protected = [f for f in findings if f.state not in SHOWN]
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>Personal data in logs</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    yield "<h1>Personal data in logs</h1>"
    yield f"<p>{_summary(readable, events)}</p>"
    for why, number in sorted(rejects.items()):
        said = f"{counted(number, 'record')} not read: {WORDS.get(why, why)}"
        yield f'<p class="bad">{_safe(said)}</p>'
    yield "<h2>Readable</h2>"
    yield from _table(readable, "Nothing readable was found.")
    yield "<h2>Protected</h2>"
    yield "<p>Masked, hashed, tokenised or encrypted: not readable without a key or a table.</p>"
    yield from _table(protected, "Nothing protected was found.")
    yield "<h2>What these are</h2>\n<dl>"
    for name in dict.fromkeys(f.detector for f in findings):
        entry = catalogue.entries[name]
        yield f"<dt><code>{_safe(name)}</code></dt>"
        yield f"<dd>{_safe(_sentence(entry.what))} {_safe(WHY[entry.kind])}</dd>"
        yield f"<dd>Beware: {_safe(entry.beware)}.</dd>"
    yield "</dl>"
    yield "<p>Found by privwatch scan. Values are counted and never shown; what is nobody's is left out.</p>"
    yield "</body>\n</html>"


def _summary(readable: Sequence[Finding], events: int) -> str:
    looked = f"{counted(events, 'event')} looked at"
    if not readable:
        return f"{looked}; no personal data was found readable in them."
    fields = len({f.path for f in readable})
    kinds = len({f.detector for f in readable})
    return f"{looked}: {counted(kinds, 'kind')} of personal data readable in {counted(fields, 'field')}."


def _table(findings: Sequence[Finding], nothing: str) -> Iterator[str]:
    if not findings:
        yield f"<p>{nothing}</p>"
        return
    heads = (
        ("n", "Events"),
        ("n", "Distinct values"),
        ("", "State"),
        ("", "What"),
        ("", "Field"),
        ("n", "Sure"),
    )
    yield '<div class="wide"><table>\n<thead><tr>'
    yield "".join(f'<th scope="col" class="{kind}">{head}</th>' for kind, head in heads)
    yield "</tr></thead>\n<tbody>"
    yield from (_row(finding) for finding in findings)
    yield "</tbody></table></div>"


def _row(finding: Finding) -> str:
    tone = "bad" if finding.state in SHOWN else "good"
    values = f"{finding.values:,}" + ("+" if finding.values >= COUNTED else "")
    return (
        f'<tr><td class="n">{finding.records:,}</td><td class="n">{values}</td>'
        f'<td class="{tone}">{_safe(finding.state)}</td><td><code>{_safe(finding.detector)}</code></td>'
        f'<td><code>{_safe(finding.path)}</code></td><td class="n">{100 * finding.confidence:.0f} %</td></tr>'
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _safe(text: str) -> str:
    return html.escape(cell(text))
