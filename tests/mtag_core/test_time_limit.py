import threading
import time
from math import inf

import pytest

from mtag_core.time_limit import TimeBudget, TooSlowError, time_limit

# Ended by the limit; a test without one would time out.
_LONG_S = 250


def _work(duration_s):
    end_s = time.monotonic() + duration_s
    while time.monotonic() < end_s:
        pass


def test_a_block_that_takes_too_long_is_ended():
    with pytest.raises(TooSlowError), time_limit(0.1):
        _work(_LONG_S)


def test_a_block_that_ends_in_time_is_left_alone():
    for limit_s in (60, inf):
        with time_limit(limit_s):
            _work(0.01)


def test_the_exception_comes_in_the_thread_of_the_block_alone():
    results = []

    def slow():
        try:
            with time_limit(0.1):
                _work(_LONG_S)
        except TooSlowError:
            results.append("slow")

    thread = threading.Thread(target=slow)
    thread.start()
    with time_limit(_LONG_S):
        while thread.is_alive():
            _work(0.01)
    assert results == ["slow"]


def test_a_call_of_a_library_that_returns_too_late_is_an_error():
    with pytest.raises(TooSlowError), time_limit(0.1):
        time.sleep(0.6)


def test_an_exception_of_the_block_passes():
    with pytest.raises(ZeroDivisionError), time_limit(60):
        _ = 1 / 0


def test_blocks_of_a_budget_share_its_time():
    budget = TimeBudget(0.5)
    with budget.spend():
        _work(0.1)
    with pytest.raises(TooSlowError), budget.spend():
        _work(_LONG_S)
