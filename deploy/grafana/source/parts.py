"""Panels as data, and how they become Grafana's: through its Foundation SDK, with the types of its schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

WIDTH: Final = 24
"""Columns of Grafana's grid."""

SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
LEVELS: Final = {
    "critical": "#b3261e",
    "high": "#d9730d",
    "medium": "#c9a227",
    "low": "#4b7bb5",
    "informational": "#8a94a3",
}
"""Colours of levels, the same everywhere; told apart by their names too."""


Built = Any
"""A builder of one kind of panel: they share their methods, but no class."""


@dataclass(frozen=True)
class Query:
    """A PromQL expression, and the legend of its series."""

    expr: str
    legend: str = "__auto"


@dataclass(frozen=True)
class Panel:
    """One panel. `kind` is a key of `KINDS`; `unit` one of Grafana's; `width` of 24 columns.

    Above a limit of `limits` a value is yellow, then red. `floor` is where lines begin. `names` are shown in
    place of values of the column `rule`.
    """

    kind: str
    title: str
    text: str
    queries: tuple[Query, ...]
    unit: str = "short"
    width: int = 8
    height: int = 7
    limits: tuple[float, ...] = ()
    stacked: bool = False
    floor: float | None = 0
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A heading and the panels below it."""

    title: str
    panels: tuple[Panel, ...]


def number(title: str, text: str, expr: str, **more: Any) -> Panel:  # noqa: ANN401 - fields of Panel
    """A single number, as it is now."""
    return Panel("number", title, text, (Query(expr),), **more)


def lines(title: str, text: str, series: Mapping[str, str], **more: Any) -> Panel:  # noqa: ANN401 - as above
    """Lines over time: expressions by their legends."""
    return Panel("lines", title, text, tuple(Query(expr, legend) for legend, expr in series.items()), **more)


def _asked(panel: Panel) -> list[prometheus.Dataquery]:
    """The queries of a panel; numbers and tables ask for now, lines for the time shown."""
    made = []
    for place, query in enumerate(panel.queries):
        one = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id("ABCDEF"[place])
        one = one.range() if panel.kind == "lines" else one.instant()
        made.append(one.format(PromQueryFormat.TABLE) if panel.kind == "table" else one)
    return made


def _thresholds(limits: tuple[float, ...]) -> builders.ThresholdsConfig:
    colours = ("#d9a400", "#b3261e")[-len(limits) :] if limits else ()
    steps = [models.Threshold(value=None, color="#3d7f4f")]
    steps += [
        models.Threshold(value=limit, color=colour) for limit, colour in zip(limits, colours, strict=True)
    ]
    return builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)  # noqa: FBT003 - its only argument


def _number(panel: Panel) -> Built:
    return (
        stat.Panel()
        .reduce_options(_last())
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .color_mode(kinds.BigValueColorMode.VALUE)
        .thresholds(_thresholds(panel.limits))
    )


def _lines(panel: Panel) -> Built:
    legend = common.VizLegendOptions().display_mode(kinds.LegendDisplayMode.LIST)
    built = (
        timeseries.Panel()
        .fill_opacity(40 if panel.stacked else 8)
        .line_width(1)
        .legend(legend.placement(kinds.LegendPlacement.BOTTOM).show_legend(True))  # noqa: FBT003 - as above
        .tooltip(
            common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.DESCENDING)
        )
    )
    if panel.floor is not None:
        built = built.min(panel.floor)
    if panel.stacked:
        built = built.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
    for level, colour in LEVELS.items():
        fixed = {"mode": "fixed", "fixedColor": colour}
        built = built.override_by_name(level, [models.DynamicConfigValue(id_val="color", value=fixed)])
    return built


def _bars(panel: Panel) -> Built:
    return (
        bargauge.Panel()
        .reduce_options(_last())
        .orientation(kinds.VizOrientation.HORIZONTAL)
        .display_mode(kinds.BarGaugeDisplayMode.BASIC)
        .min(0)
        .thresholds(_thresholds(panel.limits))
    )


def _table(panel: Panel) -> Built:
    hidden = {"Time": True, "job": True, "__name__": True, "instance": True}
    built = table.Panel().with_transformation(
        models.DataTransformerConfig(id_val="organize", options={"excludeByName": hidden})
    )
    if panel.names:
        shown = {name: {"text": text} for name, text in sorted(panel.names.items())}
        mapping = [{"type": "value", "options": shown}]
        built = built.override_by_name("rule", [models.DynamicConfigValue(id_val="mappings", value=mapping)])
    return built


KINDS: Final[Mapping[str, Callable[[Panel], Built]]] = {
    "number": _number,
    "lines": _lines,
    "bars": _bars,
    "table": _table,
}


def _panel(panel: Panel, number: int) -> Built:
    return (
        KINDS[panel.kind](panel)
        .id(number)
        .title(panel.title)
        .description(panel.text)
        .datasource(SOURCE)
        .unit(panel.unit)
        .span(panel.width)
        .height(panel.height)
        .targets(_asked(panel))
    )


def dashboard(uid: str, title: str, text: str, rows: tuple[Row, ...], *, since: str) -> models.Dashboard:
    """A dashboard of these rows, that shows the time since `since` (`now-6h`)."""
    source = builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    built = (
        builders.Dashboard(title)
        .uid(uid)
        .description(text)
        .tags(["privwatch"])
        .time(since, "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .with_variable(source)
        .link(
            builders.DashboardLink("Privwatch").type(models.DashboardLinkType.DASHBOARDS).tags(["privwatch"])
        )
    )
    ids = count(1)
    for row in rows:
        built = built.with_row(builders.Row(row.title).id(next(ids)))
        for panel in row.panels:
            built = built.with_panel(_panel(panel, next(ids)))
    return built.build()
