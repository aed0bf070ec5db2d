"""When the state of a provider or of its breaker changed."""

from __future__ import annotations

from router.history import Change, changes
from tests.router.history.rows import sample


def test_each_provider_is_compared_with_itself_in_the_report_before() -> None:
    """Three providers of two routers that write to one file at different times."""
    rows = [
        sample(0.0, provider="a", breaker="closed"),
        sample(0.0, provider="b", breaker="closed"),
        sample(5.0, provider="c"),
        sample(10.0, "unhealthy", provider="a", breaker="open", reason="gone"),
        sample(10.0, provider="b", breaker="closed"),
    ]

    assert [
        Change("a", 0.0, None, None, "healthy", None, "closed", "it is healthy"),
        Change("a", 10.0, 0.0, "healthy", "unhealthy", "closed", "open", "gone"),
        Change("b", 0.0, None, None, "healthy", None, "closed", "it is healthy"),
        Change("c", 5.0, None, None, "healthy", None, None, "it is healthy"),
    ] == changes(rows)


def test_every_change_is_told_and_nothing_else() -> None:
    states = ["healthy", "healthy", "unhealthy", "unhealthy", "degraded", "healthy"]
    rows = [sample(float(at), state) for at, state in enumerate(states)]  # type: ignore[arg-type] # words

    assert [(0.0, None), (2.0, "healthy"), (4.0, "unhealthy"), (5.0, "degraded")] == [
        (change.at, change.before) for change in changes(rows)
    ]


def test_a_breaker_that_opens_is_a_change() -> None:
    rows = [sample(0.0, "degraded", breaker="closed"), sample(1.0, "degraded", breaker="open")]

    assert ["closed", "open"] == [change.breaker_after for change in changes(rows)]


def test_without_samples_there_are_no_changes() -> None:
    assert [] == changes([])
