"""The scheduler: pure decisions, one event at a time."""

from __future__ import annotations

from pathlib import Path

from coolrun.experiment import Experiment
from coolrun.run import Exit, Run, Status
from coolrun.scheduler import (
    AGAIN,
    GRACE,
    WINDOW,
    Action,
    Cancel,
    Close,
    Drain,
    Ended,
    Finish,
    Interrupt,
    Launch,
    Looked,
    Pause,
    Resume,
    Say,
    State,
    Stopped,
    Submitted,
    Terminate,
    Tick,
    deadline,
    decide,
)


def run(token: str) -> Run:
    return Run("s", Experiment({}, position=0), 1, token, Path("folder"))


def exited(token: str, failure: str | None = None) -> Exit:
    return Exit(token, failure, "2026-01-01T00:00:00", 1.0)


def running(*tokens: str, capacity: int = 1) -> State:
    state = State(capacity=capacity)
    for token in tokens:
        decide(state, Submitted(run(token)))
    return state


def without_words(actions: list[Action]) -> list[Action]:
    return [action for action in actions if not isinstance(action, Say)]


def test_a_session_begins_by_launching_as_many_as_fit() -> None:
    assert decide(State(), Tick(0.0)) == [Launch(1)]
    assert decide(State(capacity=3), Tick(0.0)) == [Launch(3)]


def test_nothing_is_launched_while_all_places_are_taken() -> None:
    assert decide(running("a"), Tick(0.0)) == []


def test_a_run_that_ends_makes_room_for_the_next() -> None:
    actions = decide(running("a"), Ended(exited("a"), 1.0))
    assert actions == [Close(run("a"), exited("a"), Status.DONE), Launch(1)]


def test_a_run_that_fails_does_not_stop_the_others() -> None:
    actions = decide(running("a"), Ended(exited("a", "ValueError"), 1.0))
    assert actions == [Close(run("a"), exited("a", "ValueError"), Status.FAILED), Launch(1)]


def test_an_exit_of_an_unknown_token_is_not_believed() -> None:
    assert decide(running("a", capacity=1), Ended(exited("b"), 1.0)) == []


def test_the_session_finishes_when_nothing_waits_and_nothing_runs() -> None:
    state = running("a", "b", capacity=2)
    assert decide(state, Looked(0, 0.0)) == []
    assert decide(state, Ended(exited("a"), 1.0))[1:] == [Launch(1)]
    assert decide(state, Looked(0, 1.0)) == []
    assert decide(state, Ended(exited("b"), 1.0))[1:] == [Launch(2)]
    assert decide(state, Looked(0, 1.0)) == [Finish(ended=False)]


def test_what_is_busy_is_asked_for_again_after_a_while() -> None:
    state = State()
    assert decide(state, Looked(3, 10.0, busy=True)) == []
    assert deadline(state) == 10.0 + AGAIN
    assert decide(state, Tick(11.0)) == [Launch(1)]


def test_a_run_that_is_to_be_tried_again_later_keeps_the_session_waiting() -> None:
    state = State()
    assert decide(state, Looked(1, 10.0, until=70.0)) == []
    assert deadline(state) == 70.0


def test_experiments_that_wait_for_one_another_end_the_session_in_words() -> None:
    said, finish = decide(State(), Looked(2, 0.0))
    assert isinstance(said, Say)
    assert "2 experiments wait for one another" in said.message
    assert finish == Finish(ended=True)


def test_a_run_that_is_stopped_has_the_status_and_the_reason_it_was_stopped_for() -> None:
    state = running("a")
    assert decide(state, Stopped("a", Status.TIMEOUT, "too long"))[0] == Cancel(("a",), GRACE)
    closed = decide(state, Ended(exited("a", "KeyboardInterrupt"), 5.0))[0]
    assert closed == Close(run("a"), exited("a", "KeyboardInterrupt"), Status.TIMEOUT, "too long")


def test_a_pause_holds_the_queue_until_it_is_told_to_go_on() -> None:
    state = State()
    assert without_words(decide(state, Pause("three failures"))) == []
    assert decide(state, Tick(1.0)) == []
    assert without_words(decide(state, Resume(2.0))) == [Launch(1)]


def test_a_drained_session_lets_runs_finish_and_starts_nothing_more() -> None:
    state = running("a", capacity=2)
    assert without_words(decide(state, Drain("enough", 0.0, ended=False))) == []
    closed, finish = decide(state, Ended(exited("a"), 1.0))
    assert closed == Close(run("a"), exited("a"), Status.DONE)
    assert finish == Finish(ended=False)


def test_the_first_interrupt_stops_what_runs_and_holds_the_queue() -> None:
    state = running("a")
    assert decide(state, Interrupt(0.0)) == [Cancel(("a",), GRACE)]
    closed, *rest = decide(state, Ended(exited("a", "KeyboardInterrupt"), 5.0))
    assert closed == Close(run("a"), exited("a", "KeyboardInterrupt"), Status.INTERRUPTED)
    assert without_words(rest) == []
    assert deadline(state) == 5.0 + WINDOW


def test_the_queue_goes_on_when_no_second_interrupt_comes() -> None:
    state = running("a")
    decide(state, Interrupt(0.0))
    decide(state, Ended(exited("a", "KeyboardInterrupt"), 5.0))
    assert without_words(decide(state, Tick(5.0 + WINDOW / 2))) == []
    assert without_words(decide(state, Tick(5.0 + WINDOW))) == [Launch(1)]
    assert deadline(state) is None


def test_a_run_that_finishes_well_in_spite_of_an_interrupt_is_done() -> None:
    state = running("a")
    decide(state, Interrupt(0.0))
    assert decide(state, Ended(exited("a"), 1.0))[0] == Close(run("a"), exited("a"), Status.DONE)


def test_a_second_interrupt_in_time_ends_the_session() -> None:
    state = running("a")
    decide(state, Interrupt(0.0))
    decide(state, Ended(exited("a", "x"), 5.0))
    assert without_words(decide(state, Interrupt(6.0))) == [Finish(ended=True)]


def test_a_second_interrupt_while_runs_still_stop_aborts_them() -> None:
    state = running("a")
    decide(state, Interrupt(0.0))
    assert without_words(decide(state, Interrupt(1.0))) == []
    closed, finish = decide(state, Ended(exited("a", "x"), 2.0))
    assert closed == Close(run("a"), exited("a", "x"), Status.ABORTED)
    assert finish == Finish(ended=True)


def test_a_third_interrupt_kills() -> None:
    state = running("a")
    decide(state, Interrupt(0.0))
    decide(state, Interrupt(1.0))
    assert without_words(decide(state, Interrupt(2.0))) == [Cancel(("a",), 0.0)]


def test_terminate_ends_at_once_and_aborts_what_runs() -> None:
    state = running("a", "b", capacity=2)
    assert without_words(decide(state, Terminate(0.0))) == [Cancel(("a", "b"), GRACE)]
    assert decide(state, Ended(exited("a", "x"), 1.0))[0].status is Status.ABORTED  # type: ignore[union-attr]
    assert decide(state, Ended(exited("b", "x"), 1.0))[-1] == Finish(ended=True)


def test_an_interrupt_between_runs_holds_the_queue_for_a_moment() -> None:
    state = State()
    assert without_words(decide(state, Interrupt(0.0))) == []
    assert deadline(state) == WINDOW
    assert without_words(decide(state, Tick(WINDOW))) == [Launch(1)]


def test_a_run_whose_end_nobody_saw_is_lost() -> None:
    unseen = Exit("a", "nobody saw it", "2026-01-01T00:00:00", 1.0, lost=True)
    assert decide(running("a"), Ended(unseen, 1.0))[0] == Close(run("a"), unseen, Status.LOST)


def test_a_moment_that_has_come_is_told_once_though_nothing_can_be_launched() -> None:
    state = State()
    decide(state, Looked(3, 10.0, busy=True))
    decide(state, Pause("enough"))
    assert decide(state, Tick(10.0 + AGAIN)) == []
    assert deadline(state) is None
    assert without_words(decide(state, Resume(12.0))) == [Launch(1)]


def test_nothing_is_launched_while_the_state_holds() -> None:
    assert not State().holds
    for event in (Pause("x"), Interrupt(0.0), Terminate(0.0), Drain("x", 0.0)):
        state = running("a")
        decide(state, event)
        assert state.holds, event


def test_what_waits_while_nothing_may_start_is_not_given_up() -> None:
    state = State()
    decide(state, Tick(0.0))
    decide(state, Pause("the disk is full"))
    assert decide(state, Looked(2, 1.0)) == []
    assert without_words(decide(state, Resume(2.0))) == [Launch(1)]
