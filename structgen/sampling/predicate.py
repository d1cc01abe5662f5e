"""Conditions that only a program can test: a SQL engine, a type checker, a chemistry toolkit.

:class:`Predicate` wraps the user's callables; samplers ask it about texts one at a time or in batches, and it counts,
caches, limits the time and says on which text a callable failed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from inspect import isawaitable, iscoroutine
from queue import Empty, SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Any, TypeAlias

from structgen.errors import InputError, PredicateError


class Predicate:
    """A condition on texts, given by callables.

    Args:
        prefix_ok: may this text still become good? It must be true of every prefix of a good text; a callable that
            says True too often costs samples, one that says False wrongly loses texts. None: always.
        complete_ok: is this finished text good? None: always.
        raw: give the callables bytes; otherwise str, a prefix without the bytes of a character not yet complete.
        batch: the callables take a list of texts and return a list of truth values.
        timeout: seconds that one call may take; None: any. A call over it is an error.
        remembered: how many verdicts are kept.

    Raises:
        PredicateError: from the samplers, where a callable raised, was late or gave something unusable. ``text`` is
            the text at fault, ``samples`` what had been drawn before.
    """

    def __init__(
        self,
        prefix_ok: Callable[[Any], Any] | None = None,
        complete_ok: Callable[[Any], Any] | None = None,
        *,
        raw: bool = False,
        batch: bool = False,
        timeout: float | None = None,
        remembered: int = 65_536,
    ) -> None:
        for name, f in (("prefix_ok", prefix_ok), ("complete_ok", complete_ok)):
            if f is not None and not callable(f):
                raise InputError(f"{name}={f!r} is not callable", hint="Give a function of a text")
        if timeout is not None and timeout <= 0:
            raise InputError(f"timeout={timeout}", hint="It is a number of seconds above 0, or None")
        self.prefix_ok, self.complete_ok = prefix_ok, complete_ok
        self.raw, self.batch, self.timeout, self.remembered = raw, batch, timeout, remembered
        self.calls = 0
        self.seconds = 0.0
        self._known: OrderedDict[tuple[bool, bytes], bool] = OrderedDict()
        self._worker: _Worker | None = None

    def __call__(self, texts: Sequence[bytes], finished: bool) -> list[bool]:
        """The verdicts on some texts, all prefixes or all finished."""
        function = self.complete_ok if finished else self.prefix_ok
        if function is None:
            return [True] * len(texts)
        shown = [text if finished or self.raw else _whole(text) for text in texts]
        missing = [text for text in dict.fromkeys(shown) if (finished, text) not in self._known]
        fresh: dict[bytes, bool] = {}
        if missing:
            groups = [missing] if self.batch else [[text] for text in missing]
            for group in groups:
                verdicts = self._ask(function, group)
                fresh.update(zip(group, verdicts, strict=True))
        found = [fresh[text] if text in fresh else self._known[finished, text] for text in shown]
        for text, verdict in fresh.items():
            self._known[finished, text] = verdict
        while len(self._known) > self.remembered:
            self._known.popitem(last=False)
        return found

    def _ask(self, function: Callable[[Any], Any], group: list[bytes]) -> list[bool]:
        given: list[Any] = list(group) if self.raw else [text.decode(errors="replace") for text in group]
        self.calls += len(group)
        began = perf_counter()
        try:
            answer = self._timed(function, given if self.batch else given[0])
            verdicts = self._verdicts(answer)
        except _Late:
            self._worker = None  # its thread is lost to the call
            raise PredicateError(
                f"the predicate took more than {self.timeout} s on {given[0]!r}",
                text=given[0],
                hint="Raise timeout, or make the predicate faster",
            ) from None
        except Exception as error:
            raise PredicateError(
                f"the predicate raised {type(error).__name__}: {error}, on {given[0]!r}",
                text=given[0],
                hint="It must return True or False for every text the grammar allows, prefixes included",
            ) from error
        finally:
            self.seconds += perf_counter() - began
        if len(verdicts) != len(group):
            raise PredicateError(
                f"the predicate gave {len(verdicts)} answers for {len(group)} texts", text=given[0], hint=None
            )
        return verdicts

    def _verdicts(self, answer: Any) -> list[bool]:
        if isawaitable(answer):
            if iscoroutine(answer):
                answer.close()
            raise TypeError("it gave an awaitable; a plain function is wanted, which may call asyncio.run")
        return [bool(value) for value in answer] if self.batch else [bool(answer)]

    def _timed(self, function: Callable[[Any], Any], argument: Any) -> Any:
        if self.timeout is None:
            return function(argument)
        if self._worker is None:
            self._worker = _Worker()
        try:
            return self._worker.run(function, argument, self.timeout)
        except Exception:
            raise
        except BaseException:  # Ctrl-C: the call may go on, and the next one is not to wait for it
            self._worker = None
            raise


#: A function, its argument, and where the answer or what was raised is put; None asks the worker to end.
_Call: TypeAlias = "tuple[Callable[[Any], Any], Any, SimpleQueue[tuple[Any, BaseException | None]]] | None"


class _Late(Exception):
    """A call has taken too long."""


class _Worker:
    """A thread that calls functions. It does not keep the process from ending, should a call never return."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[_Call] = SimpleQueue()
        Thread(target=_serve, args=(self._calls,), name="structgen-predicate", daemon=True).start()

    def run(self, function: Callable[[Any], Any], argument: Any, timeout: float) -> Any:
        """What the function returns. Raises what it raises, or _Late; the worker is of no use after that."""
        answers: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        self._calls.put((function, argument, answers))
        try:
            answer, error = answers.get(timeout=timeout)
        except Empty:
            raise _Late from None
        if error is not None:
            raise error
        return answer

    def __del__(self) -> None:
        self._calls.put(None)


def _serve(calls: SimpleQueue[_Call]) -> None:
    while (call := calls.get()) is not None:
        function, argument, answers = call
        try:
            answers.put((function(argument), None))
        except BaseException as error:  # whatever it is, it belongs to the caller
            answers.put((None, error))
        del call, function, argument, answers


def _whole(text: bytes) -> bytes:
    """The text without the first bytes of a character that is not yet complete."""
    for back in range(1, min(4, len(text)) + 1):
        byte = text[-back]
        if byte < 0x80:
            return text
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return text if back >= length else text[:-back]
    return text
