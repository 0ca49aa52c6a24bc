"""Something that is done again and again: it goes on after a fault, and ends when it is told to."""

import logging
import threading

import pytest

from backend.jobs.chore import Chore


def test_a_chore_goes_on_after_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    done, thrice = [], threading.Event()

    def act() -> None:
        done.append(len(done))
        if len(done) == 1:
            raise ValueError("not this time")
        if len(done) == 3:
            thrice.set()

    chore = Chore("sweeping", act, every=0.001)
    with caplog.at_level(logging.ERROR):
        chore.start()
        assert thrice.wait(30)
        chore.stop()
    count = len(done)
    assert "sweeping failed" in caplog.text
    assert not chore._thread.is_alive()
    assert len(done) == count


def test_a_chore_that_never_began_can_be_stopped() -> None:
    Chore("idle", lambda: None, every=1.0).stop()
