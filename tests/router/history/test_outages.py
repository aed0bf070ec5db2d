"""When a provider was out, and why."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.history import Outage, Sample, outages
from tests.router.history.rows import sample


def test_an_outage_has_a_start_an_end_and_the_first_cause() -> None:
    rows = [
        sample(0.0),
        sample(10.0, "unhealthy", reason="no connection could be made"),
        sample(20.0, "unhealthy", reason="the breaker is open"),
        sample(30.0, "degraded"),
        sample(40.0, "unhealthy", reason="gone"),
    ]

    assert [
        Outage("first", 10.0, 30.0, 20.0, "no connection could be made"),
        Outage("first", 40.0, None, 40.0, "gone"),
    ] == outages(rows)
    assert [20.0, 0.0] == [outage.seconds for outage in outages(rows)]


def test_time_in_which_nobody_could_tell_belongs_to_the_outage_around_it() -> None:
    rows = [sample(0.0, "unhealthy"), sample(10.0, "unknown"), sample(9999.0, "unhealthy"), sample(10010.0)]

    assert [Outage("first", 0.0, 10010.0, 9999.0, "it is unhealthy")] == outages(rows)


@given(st.lists(st.tuples(st.sampled_from(["healthy", "degraded", "unhealthy", "unknown"]), st.booleans())))
def test_outages_of_a_provider_do_not_overlap_and_hold_every_unhealthy_sample(
    states: list[tuple[str, bool]],
) -> None:
    rows: list[Sample] = [
        sample(float(at), state, "one" if first else "other")  # type: ignore[arg-type]  # one of the states, drawn as text
        for at, (state, first) in enumerate(states)
    ]

    found = outages(rows)

    assert sorted(found, key=lambda o: o.start) == found
    for row in rows:
        inside = [
            o
            for o in found
            if o.provider == row.provider and o.start <= row.at and (o.end is None or row.at < o.end)
        ]
        assert len(inside) <= 1
        if row.state == "unhealthy":
            assert inside
        elif row.state != "unknown":
            assert not inside


def test_without_samples_there_are_no_outages() -> None:
    assert [] == outages([])
