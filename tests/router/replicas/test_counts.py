"""What several replicas keep together: with the store its count, without it one part of the whole."""

from __future__ import annotations

from router import RetryBudget
from router.replicas.counts import Fetch, SharedBudget
from router.replicas.state import StoreState


def test_a_budget_gives_what_was_fetched_and_no_more() -> None:
    budget = SharedBudget("b", RetryBudget(0.2, 0, 10), 2, StoreState(away=False))
    assert not budget.take(0)

    asked = budget.fetch()
    assert Fetch(2, 0.0, 0.0) == asked
    budget.fetched(asked, 2)

    assert [True, True, False] == [budget.take(1) for _ in range(3)]


def test_a_budget_never_believes_more_than_it_asked_for() -> None:
    budget = SharedBudget("b", RetryBudget(0, 0, 10), 2, StoreState(away=False))
    budget.fetched(Fetch(2, 0, 0), 10**9)

    assert 2 == sum(budget.take(1) for _ in range(10))


def test_without_the_store_a_budget_is_one_part_and_what_it_gave_is_told_afterwards() -> None:
    store = StoreState(away=True, replicas=5)
    budget = SharedBudget("b", RetryBudget(0, 1, 10), 2, store)

    assert 2 == sum(budget.take(0.0) for _ in range(10))
    assert 1 == sum(budget.take(5.0) for _ in range(10))
    asked = budget.fetch()
    assert asked is not None
    assert 3 == asked.spent


def test_what_was_earned_is_told_once_even_where_the_reply_is_lost() -> None:
    budget = SharedBudget("b", RetryBudget(1.0, 0, 10), 0, StoreState(away=False))
    budget.deposit(0)
    asked = budget.fetch()
    assert asked is not None
    assert 1 == asked.earned
    budget.lost(asked)

    assert budget.fetch() is None


def test_when_the_next_token_comes_is_known_here_alone_while_the_store_is_away() -> None:
    store = StoreState(away=False, replicas=2)
    budget = SharedBudget("b", RetryBudget(0, 0.1, 2), 1, store)
    assert budget.next_in(0) is None

    store.away = True
    assert budget.next_in(0) == 0
    budget.take(0)
    assert round(budget.next_in(0) or 0) == 20, "its part of what comes"
