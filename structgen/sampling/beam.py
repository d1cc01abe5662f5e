"""Beam search over constraint states: the likeliest texts that can be found, all of them in the language."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from structgen.errors import InputError
from structgen.sampling.problem import Prefix, Problem, log_sum
from structgen.sampling.runs import Recorder
from structgen.sampling.samples import Samples


@dataclass(frozen=True)
class Beam:
    """The best texts by log P, no token drawn by chance.

    Every prefix on the beam can be completed within the budget, so the beam never runs empty.

    Attributes:
        width: prefixes kept after each step; at least as many as samples are asked for.
        length_penalty: texts compare by ``log P / length ** length_penalty``; 0: by log P.
    """

    width: int = 8
    length_penalty: float = 0.0

    def __post_init__(self) -> None:
        if self.width < 1 or self.length_penalty < 0.0:
            raise InputError(
                f"width={self.width}, length_penalty={self.length_penalty}", hint="width is at least 1, the penalty 0"
            )

    def run(self, problem: Problem, n: int, seed: tuple[int, ...]) -> Samples:
        """The ``n`` best texts found (fewer if there are fewer), best first.

        ``log_weights`` are log P: they are different texts, not samples; ``log_z`` is the log-sum, no more than Z.
        """
        record = Recorder(problem)
        width = max(self.width, n)
        live: list[tuple[float, Prefix]] = [(0.0, problem.root)]
        ended: list[tuple[float, Prefix]] = []

        def finish() -> Samples:
            ended.sort(key=lambda pair: -self._score(*pair))
            for log_p, prefix in ended[:n]:
                record.attempts += 1
                record.add(prefix, log_p, log_p)
            return record.samples(log_sum(np.array(record.log_weights)))

        with record.guard(finish):
            while live:
                live = self._grow(problem, live, ended, width)
                ended.sort(key=lambda pair: -self._score(*pair))
                del ended[width:]
                if self.length_penalty == 0.0 and len(ended) == width and live and live[0][0] <= ended[-1][0]:
                    break  # log P only falls
        if record.outcome == "done" and n > 0 and not ended:
            record.outcome = "failed"
        return finish()

    def _score(self, log_p: float, prefix: Prefix) -> float:
        return log_p / (len(prefix.tokens) + 1) ** self.length_penalty

    def _grow(
        self,
        problem: Problem,
        live: list[tuple[float, Prefix]],
        ended: list[tuple[float, Prefix]],
        width: int,
    ) -> list[tuple[float, Prefix]]:
        laws = problem.laws([prefix for _, prefix in live])
        scores = np.concatenate([log_p + law.logp for (log_p, _), law in zip(live, laws, strict=True)])
        owners = np.repeat(np.arange(len(live)), [len(law.ids) for law in laws])
        tokens = np.concatenate([law.ids for law in laws])
        found: list[tuple[float, Prefix]] = []
        # all on the beam have the same length, so log P orders them whatever the penalty
        for i in np.argsort(-scores, kind="stable").tolist():
            if scores[i] == -np.inf or len(found) >= width:
                break
            prefix = problem.extend(live[owners[i]][1], int(tokens[i]))
            if not problem.good([prefix])[0]:
                continue
            (ended if prefix.ended else found).append((float(scores[i]), prefix))
        return found
