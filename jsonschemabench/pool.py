"""Worker processes from the parent's side: started once, fed many cases, killed and replaced at a limit."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import psutil

from jsonschemabench.cases import Case

_POLL = 0.05  # seconds between two looks at the worker's memory
_START_LIMIT = 300.0  # seconds to load a tokenizer and compile kernels


class EngineUnavailable(Exception):
    """The engine cannot be set up on this machine."""


@dataclass(frozen=True)
class Limits:
    """What one case may use: seconds to compile (and as many again to feed the instances), bytes of memory."""

    seconds: float
    memory: int


class Worker:
    """A worker process for one engine. Use as a context manager."""

    def __init__(self, engine: str, vocab: str, order: str, limits: Limits) -> None:
        self.engine = engine
        self.limits = limits
        self.version = ""
        self._command = [
            sys.executable, "-m", "jsonschemabench.worker",
            "--engine", engine, "--vocab", vocab, "--order", order,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self._selector = selectors.DefaultSelector()
        self._buffer = b""

    def __enter__(self) -> Worker:
        self._start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()

    def run(self, case: Case) -> dict[str, Any]:
        """Measure one case. Never raises for what the engine does: time, memory and crashes are records."""
        if self._process is None:
            self._start()
        assert self._process is not None and self._process.stdin is not None
        job = {
            "id": case.id,
            "split": case.split,
            "schema": case.schema,
            "tests": [{"data": test.data, "valid": test.valid} for test in case.tests],
            "options": case.options,
        }
        compiled: dict[str, Any] = {}
        try:
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            self._process.stdin.flush()
            while True:
                message = self._receive(self.limits.seconds, self.limits.memory)
                if "done" in message:
                    result: dict[str, Any] = message["done"]
                    return result
                compiled = message["compiled"]
        except (_Over, BrokenPipeError) as over:
            self._stop()
            reason = str(over) or "the worker died"
            if compiled:
                return {"status": "stopped", "reason": f"while feeding: {reason}", **compiled}
            return {"status": "stopped", "reason": f"compile: {reason}"}

    def _start(self) -> None:
        # One thread for everybody, and no engine may look for anything on the network.
        environment = os.environ | {
            "OMP_NUM_THREADS": "1",
            "RAYON_NUM_THREADS": "1",
            "NUMBA_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_OFFLINE": "1",
        }
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._buffer = b""
        self._selector.register(self._process.stdout, selectors.EVENT_READ)
        try:
            message = self._receive(_START_LIMIT, None)
        except _Over as over:
            self._stop()
            raise EngineUnavailable(f"{self.engine}: {over} while starting") from over
        if "broken" in message:
            self._stop()
            raise EngineUnavailable(f"{self.engine}: {message['broken']}")
        self.version = message["ready"]

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
        """The worker's next message. Raises :class:`_Over` at a limit or when it dies."""
        assert self._process is not None and self._process.stdout is not None
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            if self._selector.select(_POLL):
                chunk = self._process.stdout.read(1 << 20)
                if chunk == b"":
                    raise _Over(f"the worker died (exit code {self._process.wait()})")
                self._buffer += chunk or b""
                continue
            if time.monotonic() > deadline:
                raise _Over(f"over {seconds:g} s")
            if memory is not None and _resident(self._process.pid) > memory:
                raise _Over(f"over {memory / 2**30:g} GB")
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message


class _Over(Exception):
    """A limit was reached."""


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
