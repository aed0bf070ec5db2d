"""A window counts the calls of its time, no longer, and its memory does not grow with them."""

from hypothesis import given
from hypothesis import strategies as st

from router.policy.window import BUCKETS, Window


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans(), st.booleans()), max_size=60))
def test_a_call_counts_for_eleven_twelfths_of_the_window_and_never_longer_than_it(calls):
    window, now, told = Window(60), 0.0, []
    for pause, failed, slow in calls:
        now += pause
        window.add(now, failed=failed, slow=slow)
        told.append((now, failed, slow))
        counts = window.counts(now)
        for place, counted in enumerate(counts):
            least = [c for c in told if c[0] > now - 55 + 1e-9 and (place == 0 or c[place])]
            most = [c for c in told if c[0] >= now - 60 - 1e-9 and (place == 0 or c[place])]

            assert len(least) <= counted <= len(most)


def test_its_memory_does_not_grow_with_the_calls():
    window = Window(60)
    for number in range(10_000):
        window.add(number / 10, failed=True, slow=False)

    assert BUCKETS == len(window._buckets)
    assert (600, 600, 0) == window.counts(999.9)


def test_what_it_forgot_counts_no_more():
    window = Window(60)
    window.add(1, failed=True, slow=True)
    window.forget()

    assert (0, 0, 0) == window.counts(1)
