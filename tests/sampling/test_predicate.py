"""Predicates that misbehave: each gives a clear error, and none keeps the process from ending."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from time import sleep

import numpy as np
import pytest

import structgen as sg
from structgen.errors import PredicateError


@pytest.mark.parametrize("timeout", [None, 5.0])
def test_a_time_out_of_the_predicate_s_own_is_no_late_call(timeout) -> None:
    def broken(text: str) -> bool:
        raise TimeoutError("the database does not answer")

    with pytest.raises(PredicateError, match="TimeoutError: the database") as caught:
        sg.Predicate(broken, timeout=timeout)([b"ab"], False)
    assert caught.value.text == "ab"


@pytest.mark.parametrize(
    ("options", "answer"),
    [({"batch": True}, True), ({"batch": True}, [True, True]), ({}, np.array([True, False])), ({"batch": True}, None)],
)
def test_answers_that_are_none_are_refused(options, answer) -> None:
    with pytest.raises(PredicateError) as caught:
        sg.Predicate(None, lambda _: answer, **options)([b"ab"], True)
    assert caught.value.text == "ab"


def test_a_coroutine_is_not_taken_for_true() -> None:
    async def test(text: str) -> bool:
        return False

    with pytest.raises(PredicateError, match="awaitable"):
        sg.Predicate(test)([b"ab"], False)


def test_calls_with_a_time_limit_share_a_thread_which_ends() -> None:
    threads = set()
    predicate = sg.Predicate(lambda text: threads.add(threading.current_thread()) or len(text) < 3, timeout=5.0)
    assert predicate([b"a", b"ab", b"abc"], False) == [True, True, False]
    assert len(threads) == 1
    thread = threads.pop()
    assert thread.daemon
    del predicate
    thread.join(5.0)
    assert not thread.is_alive()


def test_after_a_late_call_the_next_one_is_served_anew() -> None:
    predicate = sg.Predicate(lambda text: text == "ab" or sleep(0.3) or True, timeout=0.05)
    with pytest.raises(PredicateError, match=r"0\.05 s"):
        predicate([b"late"], False)
    assert predicate([b"ab"], False) == [True]
    sleep(0.3)
    assert predicate([b"ab"], True) == [True]


def test_ctrl_c_in_a_timed_call_comes_through() -> None:
    def interrupted(text: str) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sg.Predicate(interrupted, timeout=5.0)([b"ab"], False)


def test_after_ctrl_c_in_the_wait_the_next_call_does_not_wait() -> None:
    go_on = threading.Event()
    predicate = sg.Predicate(lambda text: text == "ab" or go_on.wait(30), timeout=20.0)
    threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        predicate([b"slow"], False)
    assert predicate([b"ab"], False) == [True]
    go_on.set()


def test_a_predicate_that_never_returns_does_not_keep_the_process() -> None:
    program = """
import threading, structgen as sg
try:
    sg.Predicate(lambda text: threading.Event().wait(), timeout=0.05)([b"ab"], False)
except sg.errors.PredicateError as error:
    print(error.text)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "ab"
