"""Worker processes from the parent's side: started once, fed many cases, killed and replaced at a limit."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from jsonschemabench.cases import Case

_POLL = 0.05  # seconds between two looks at the worker's memory
_START_LIMIT = 300.0  # seconds to load a tokenizer and compile kernels


class EngineUnavailable(Exception):
    """The engine cannot be set up on this machine."""


class Stopped(Exception):
    """A limit was reached, or the worker died; the message says which."""


@dataclass(frozen=True)
class Limits:
    """What one case may use: seconds to compile (and as many again to feed the instances), bytes of memory."""

    seconds: float
    memory: int


class Worker:
    """A worker process for one engine. Use as a context manager.

    A ``cold`` one has not warmed up on the shipped schemas: its first case pays for what is loaded on first use.

    Attributes:
        version: of the engine, as it names itself.
        tokens: the size of the vocabulary.
    """

    def __init__(self, engine: str, vocab: str, order: str, limits: Limits, cold: bool = False) -> None:
        self.engine = engine
        self.limits = limits
        self.version = ""
        self.tokens = 0
        self._command = [
            sys.executable, "-m", "jsonschemabench.worker",
            "--engine", engine, "--vocab", vocab, "--order", order, *(["--cold"] if cold else []),
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self._selector = selectors.DefaultSelector()
        self._buffer = b""

    def __enter__(self) -> Worker:
        self._start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()

    def run(self, case: Case, again: bool = False) -> dict[str, Any]:
        """Measure one case. Never raises for what the engine does: time, memory and crashes are records."""
        compiled: dict[str, Any] = {}

        def hear(message: dict[str, Any]) -> None:
            compiled.update(message["compiled"])

        try:
            return self.ask("case", [case], hear, again=again)
        except Stopped as over:
            if compiled:
                return {"status": "stopped", "reason": f"while feeding: {over}", **compiled}
            return {"status": "stopped", "reason": f"compile: {over}"}

    def ask(
        self, kind: str, cases: Sequence[Case], hear: Callable[[dict[str, Any]], None], **more: Any
    ) -> dict[str, Any]:
        """Have a job done; ``hear`` gets what is said on the way. The limits hold from message to message.

        Raises :class:`Stopped` at a limit, or where the worker dies.
        """
        if self._process is None:
            self._start()
        assert self._process is not None and self._process.stdin is not None
        job = {"kind": kind, "cases": [case.message() for case in cases], **more}
        try:
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            self._process.stdin.flush()
            while True:
                message = self._receive(self.limits.seconds, self.limits.memory)
                if "done" in message:
                    result: dict[str, Any] = message["done"]
                    return result
                hear(message)
        except BrokenPipeError as error:
            self._stop()
            raise Stopped("the worker died") from error
        except Stopped:
            self._stop()
            raise

    def _start(self) -> None:
        # One thread for everybody, and no engine may look for anything on the network.
        environment = os.environ | {
            "OMP_NUM_THREADS": "1",
            "RAYON_NUM_THREADS": "1",
            "NUMBA_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_OFFLINE": "1",
        }
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._buffer = b""
        self._selector.register(self._process.stdout, selectors.EVENT_READ)
        try:
            message = self._receive(_START_LIMIT, None)
        except Stopped as over:
            self._stop()
            raise EngineUnavailable(f"{self.engine}: {over} while starting") from over
        if "broken" in message:
            self._stop()
            raise EngineUnavailable(f"{self.engine}: {message['broken']}")
        self.version = message["ready"]
        self.tokens = message["tokens"]

    def _stop(self) -> None:
        if self._process is None:
            return
        assert self._process.stdin is not None and self._process.stdout is not None
        self._selector.unregister(self._process.stdout)
        self._process.kill()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._process = None

    def _receive(self, seconds: float, memory: int | None) -> dict[str, Any]:
        """The worker's next message. Raises :class:`Stopped` at a limit or when it dies."""
        assert self._process is not None and self._process.stdout is not None
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            if self._selector.select(_POLL):
                chunk = self._process.stdout.read(1 << 20)
                if chunk == b"":
                    raise Stopped(f"the worker died (exit code {self._process.wait()})")
                self._buffer += chunk or b""
                continue
            if time.monotonic() > deadline:
                raise Stopped(f"over {seconds:g} s")
            if memory is not None and _resident(self._process.pid) > memory:
                raise Stopped(f"over {memory / 2**30:g} GB")
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
