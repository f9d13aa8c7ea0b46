import contextlib
import os
import signal
from pathlib import Path

import pytest

from mtag_core.child_process import ChildCrashError, ChildProcess


@pytest.fixture
def child():
    with contextlib.closing(ChildProcess()) as child:
        yield child


def test_a_call_returns_what_the_function_returns_in_another_process(child):
    assert child.call(os.getpid) != os.getpid()
    assert child.call(divmod, 7, 2) == (3, 1)


def test_a_call_raises_what_the_function_raises(child):
    with pytest.raises(ZeroDivisionError):
        child.call(divmod, 7, 0)
    with pytest.raises(RuntimeError, match="no answer that pickles"):
        child.call(open, Path(__file__))


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (os.abort, (), "SIGABRT"),
        (signal.raise_signal, (signal.SIGKILL,), "SIGKILL"),
        (os._exit, (7,), "exit code 7"),
    ],
)
def test_an_end_of_the_child_costs_one_call(child, function, arguments, message):
    with pytest.raises(ChildCrashError, match=message):
        child.call(function, *arguments)
    assert child.call(len, "abc") == 3


def test_a_closed_child_is_gone(child):
    pid = child.call(os.getpid)
    child.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
