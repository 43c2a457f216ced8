"""The criteria of the guards against naive ones over the whole history; states continue."""

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.guards import collapse
from agents.guards.collapse import Alarm, CollapseGuard, SkippedUpdates
from agents.learning.metrics import TrainMetrics

FINE = TrainMetrics(0.1, 0.2, 1.0, 0.5, 0.3, 0.4)


def skip_reason(history):
    """True if a history of updates, True where one was skipped, must end with its last one."""
    if not history[-1]:
        return False
    return all(history[-3:]) and len(history) >= 3 or sum(history[-1_000:]) >= 10


def note(skipped, is_skipped):
    metrics = FINE._replace(grad_norm=float('nan')) if is_skipped else FINE
    return skipped.note(metrics)


@given(st.lists(st.booleans(), max_size=60))
def test_too_many_skipped_updates_end_a_run(history):
    skipped = SkippedUpdates()
    for i, is_skipped in enumerate(history):
        assert bool(note(skipped, is_skipped)) == skip_reason(history[: i + 1])
        assert skipped.total == sum(history[: i + 1])
        assert skipped.last_was_skipped == is_skipped


@pytest.mark.parametrize('distance, ends', [(111, True), (112, False)])
def test_ten_of_a_thousand_are_too_many(distance, ends):
    """The first and the tenth are 9 distances apart: 999 updates, or 1008."""
    skipped, history = SkippedUpdates(), []
    for i in range(9 * distance + 1):
        history.append(i % distance == 0)
        reason = note(skipped, history[-1])
        assert bool(reason) == skip_reason(history)
    assert reason == ('10 of the last 1,000 updates were skipped' if ends else '')


@pytest.mark.parametrize('bad', [float('nan'), float('inf'), -float('inf')])
@pytest.mark.parametrize('field', TrainMetrics._fields)
def test_every_metric_counts(field, bad):
    assert FINE.is_finite
    assert not FINE._replace(**{field: bad}).is_finite


def raised_by_hand(history, window, raise_at, clear_at):
    """True if the alarm is raised after the history, which is read event by event."""
    raised = False
    for i in range(len(history)):
        count = sum(history[max(0, i + 1 - window) : i + 1])
        if count >= raise_at:
            raised = True
        elif count <= clear_at:
            raised = False
    return raised


LEVELS = st.sampled_from([(5, 5, 0), (6, 5, 2), (1, 1, 0), (8, 3, 3)])


@given(st.lists(st.booleans(), max_size=50), LEVELS)
def test_an_alarm_is_raised_once_until_it_has_cleared(history, levels):
    alarm, before = Alarm(*levels), False
    for i, event in enumerate(history):
        is_new = alarm.note(event)
        assert alarm.raised == raised_by_hand(history[: i + 1], *levels)
        assert is_new == (alarm.raised and not before)
        before = alarm.raised


def episode(length, share):
    return {'length': length, 'first_action_share': share}


UPDATES = st.lists(
    st.tuples(
        st.sampled_from([0.001, 0.02]),  # Entropy
        st.sampled_from([1.0, 2.5, 40.0]),  # Mean |V|
        st.sampled_from([0.1, 5.0]),  # Largest return
        st.lists(st.tuples(st.sampled_from([10, 50]), st.sampled_from([0.5, 0.995])), max_size=3),
    ),
    max_size=40,
)


def feed(guard, updates):
    return [
        guard.note(
            FINE._replace(entropy=entropy, value_magnitude=magnitude),
            [episode(*one) for one in episodes],
            largest,
        )
        for entropy, magnitude, largest, episodes in updates
    ]


@contextlib.contextmanager
def impatience():
    """Guards that need less evidence, so that short histories suffice."""
    numbers = {'SUSTAINED_UPDATES': 4, 'RECENT_EPISODES': 6, 'RAISED_AT': 5, 'CLEARED_AT': 3}
    with pytest.MonkeyPatch.context() as patch:
        for name, number in numbers.items():
            patch.setattr(collapse, name, number)
        yield


def alarms_by_hand(updates):
    """Alarms that are raised after the updates: entropy, one action, values."""
    low = [entropy < 0.01 * 1.5 for entropy, _, _, _ in updates]
    high = [magnitude > 10.0 * max(largest, updates[0][1]) for _, magnitude, largest, _ in updates]
    single = [share >= 0.99 for *_, ended in updates for length, share in ended if length >= 30]
    return [
        raised_by_hand(low, 4, 4, 0),
        raised_by_hand(single, 6, 5, 3),
        raised_by_hand(high, 4, 4, 0),
    ]


@given(updates=UPDATES)
def test_alarms_equal_those_found_by_hand(updates):
    with impatience():
        guard, before = CollapseGuard(1.5, 0.01), [False] * 3
        for i, update in enumerate(updates):
            [texts] = feed(guard, [update])
            now = alarms_by_hand(updates[: i + 1])
            assert guard.num_alarms == sum(now)
            new = [is_now and not was for is_now, was in zip(now, before, strict=True)]
            # Several episodes may raise an alarm and clear it within one update.
            assert len(texts) >= sum(new)
            for text, is_new in zip(('entropy', 'one action', 'mean |V|'), new, strict=True):
                assert not is_new or any(line.startswith(text) for line in texts)
            before = now


@given(before=UPDATES, after=UPDATES, other=UPDATES)
def test_a_state_continues_exactly(before, after, other):
    """Through JSON, into a guard with another past."""
    with impatience():
        guard, twin = CollapseGuard(1.5, 0.01), CollapseGuard(1.5, 0.01)
        feed(guard, before)
        feed(twin, other)
        twin.set_state(json.loads(json.dumps(guard.state())))
        assert feed(guard, after) == feed(twin, after)
        assert guard.state() == twin.state() and guard.is_calm == twin.is_calm


@given(before=st.lists(st.booleans(), max_size=30), after=st.lists(st.booleans(), max_size=30))
def test_the_count_of_skipped_updates_continues_exactly(before, after):
    skipped, twin = SkippedUpdates(), SkippedUpdates()
    for is_skipped in before:
        note(skipped, is_skipped)
    note(twin, True)
    twin.set_state(json.loads(json.dumps(skipped.state())))
    for is_skipped in after:
        assert note(skipped, is_skipped) == note(twin, is_skipped)
    assert skipped.state() == twin.state()


def test_the_alarms_say_what_they_saw():
    guard = CollapseGuard(1.5, 0.01)
    low, wild = FINE._replace(entropy=0.0009), FINE._replace(value_magnitude=523.0)
    assert [guard.note(low, [], 0.0) for _ in range(99)] == [[]] * 99
    assert guard.note(low, [], 0.0) == [
        "entropy 0.0009 is under 0.015, that is 0.01 of the uniform policy's, for 100 updates"
    ]
    assert (guard.num_alarms, guard.is_calm) == (1, False)
    texts = [text for _ in range(100) for text in guard.note(wild, [], 4.2)]
    assert texts == ['mean |V| 523 is over 10 times the largest return, 4.2, for 100 updates']
    assert guard.num_alarms == 1  # A hundred updates of another entropy have cleared that one.
    texts = guard.note(FINE, [episode(30, 0.99)] * 18 + [episode(29, 0.5)], 4.2)
    assert texts == ['one action makes 99% of the steps in 18 of the last 20 episodes']
    guard.reset()
    assert guard.is_calm and guard.num_alarms == 0


def test_where_there_is_nothing_to_choose_only_values_are_watched():
    guard = CollapseGuard(0.0, 0.01)
    certain = FINE._replace(entropy=0.0)
    for _ in range(200):
        assert guard.note(certain, [episode(100, 1.0)], 1.0) == []
    assert guard.is_calm


def test_real_actions_have_a_floor_of_their_own():
    """A differential entropy may be negative; no action is ever chosen twice."""
    guard = CollapseGuard(0.0, 0.01, lowest_entropy=-3.0)
    for entropy in (-2.9, -3.1):
        metrics = FINE._replace(entropy=entropy)
        texts = [text for _ in range(100) for text in guard.note(metrics, [episode(50, 1.0)], 1.0)]
        assert len(texts) == (entropy < -3.0)
    assert texts == [
        'entropy -3.1 is under -3, that is a standard deviation of 0.01 of half the range of '
        'actions, for 100 updates'
    ]
    unbounded = CollapseGuard(0.0, 0.01, lowest_entropy=-math.inf)
    certain = FINE._replace(entropy=-1e6)
    assert not any(unbounded.note(certain, [], 1.0) for _ in range(200))
