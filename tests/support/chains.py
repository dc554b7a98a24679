"""Correlations over correlations, drawn by Hypothesis."""

from hypothesis import strategies as st

from monitor.rules.tree import And, Correlation, Header, Not, Privacy, Ref, Threshold, WindowPolicy
from tests.support.windows import HERE, RULES, correlation

INNER = "made-up-correlation"
FLOORS = [(("gte", 2),), (("gte", 1),), (("lt", 2),), (("eq", 2),), (("gte", 1), ("lt", 3))]
WHEN = And((Ref(INNER), Not(Ref(RULES[1]))))


@st.composite
def chains(draw: st.DrawFn, lateness: int = 600) -> Correlation:
    """One that counts the violations of another, and of some types the matches of a rule beside them."""
    kind = draw(st.sampled_from(["event_count", "value_count", "temporal", "temporal_ordered"]))
    inner = correlation(
        draw(st.sampled_from(["event_count", "value_count", "value_sum", "value_median"])),
        draw(st.sampled_from(FLOORS)),
        group_by=draw(st.sampled_from([("who", "where"), ("where", "who")])),
        timespan=draw(st.sampled_from([1, 2, 4])),
        resolution=draw(st.sampled_from([1, 2])),
        window=draw(st.sampled_from(["sliding", "session"])),
        lateness=lateness,
    )
    step = draw(st.sampled_from([1, 2, 3]))
    when = WHEN if kind.startswith("temporal") and draw(st.booleans()) else None
    return Correlation(
        header=Header("made-up-outer", "made up", HERE, "d"),
        type=kind,
        rules=(INNER, RULES[1]) if kind != "value_count" else (INNER,),
        group_by=draw(st.sampled_from([("who",), ("who", "where"), ()])),
        timespan=draw(st.sampled_from([3, 6, 12])),
        threshold=Threshold(
            () if when else draw(st.sampled_from(FLOORS)), "where" if kind == "value_count" else "", when=when
        ),
        privacy=Privacy(actor="who", subject="whose", resource="table"),
        window=WindowPolicy(
            draw(st.sampled_from(["sliding", "sliding", "tumbling", "session"])), step, lateness
        ),
        inner=(inner,),
    )
