"""A logits processor for ``model.generate`` of transformers.

``generate`` tells a processor neither when a call begins, nor when beams are reordered or a row has ended. So
nothing is kept by row: a state is looked up by the generated tokens themselves (and the constraint they are
under). States are ints, so remembering one for each prefix is cheap, and the processor survives reuse, beams,
several return sequences and changes of the batch.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import LogitsProcessor

from structgen import bits
from structgen.compile import compile as compile_constraint
from structgen.errors import BudgetError, InputError, ModelError, TokenRefusedError
from structgen.limits import Limits
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime import CompiledGrammar

_REMEMBERED = 65_536
#: The state of a row that has tokens its grammar refuses (see ``_lost``), and of one that is not constrained.
_LOST, _FREE = -1, -2


class StructgenLogitsProcessor(LogitsProcessor):  # type: ignore[misc, unused-ignore]
    """Masks the logits of every row by its constraint.

    ::

        processor = StructgenLogitsProcessor(Invoice, tokenizer, size=model.config.vocab_size)
        model.generate(**inputs, logits_processor=[processor])

    Args:
        constraint: a constraint, type, schema or :class:`CompiledGrammar`; or a list with one for each prompt,
            None among them where a prompt is free. Rows are taken to be in the order of the prompts, with the
            same number of rows (beams, return sequences) for each, as ``generate`` has them.
        tokenizer: the model's tokenizer, or a :class:`Vocabulary`. May be left out for compiled grammars.
        size: the width of the model's logits, where it is more than the tokenizer has tokens.
        prompt_length: how many ids of each row are the prompt. None: a call with rows that do not continue
            those of the last call by one token begins a new generation, and its length is the prompt's. Give it
            where ``generate`` goes back and forth (assisted decoding).
        max_new_tokens: the budget given to ``generate``: each text is then complete within it.
        limits: what a compilation may cost.

    Raises:
        ConstraintError: a constraint cannot be compiled.
        BudgetError: a constraint cannot be completed in ``max_new_tokens``.
        InputError: the arguments do not fit together.
    """

    #: Rows come and go within a continuous batch, and constraints are given by row.
    supports_continuous_batching = False

    def __init__(
        self,
        constraint: Any,
        tokenizer: Any = None,
        *,
        size: int | None = None,
        prompt_length: int | None = None,
        max_new_tokens: int | None = None,
        limits: Limits | None = None,
    ) -> None:
        given = list(constraint) if isinstance(constraint, (list, tuple)) else [constraint]
        if not given:
            raise InputError("no constraints", hint="Give one, or a list with one for each prompt")
        vocab = _vocabulary(given, tokenizer, size)
        self.vocabulary = vocab
        self._grammars: list[CompiledGrammar | None] = []
        for i, one in enumerate(given):
            if one is None or isinstance(one, CompiledGrammar):
                self._grammars.append(one)
            elif one in given[:i]:
                self._grammars.append(self._grammars[given.index(one)])
            else:
                self._grammars.append(compile_constraint(one, vocab, limits=limits))
        for grammar in self._grammars:
            if grammar is not None and grammar.vocab != vocab:
                raise InputError("the compiled grammars are for different vocabularies")
            if grammar is not None and max_new_tokens is not None:
                needed = grammar.min_tokens_left(grammar.start)
                if needed > max_new_tokens:
                    raise BudgetError(
                        f"a constraint needs up to {needed} tokens for its shortest text, but max_new_tokens is "
                        f"{max_new_tokens}",
                        hint=f"Set max_new_tokens to {needed} or more, here and in generate",
                    )
        self._given_length = prompt_length
        self._budget = max_new_tokens
        self._eos = np.array(vocab.eos_token_ids, dtype=np.int64)
        self._states: OrderedDict[bytes, int] = OrderedDict()
        self.reset()

    def reset(self) -> None:
        """Forget the last generation. Only needed when its very output is the next prompt."""
        self._length = -1
        self._prompt_length = 0
        self._seen: set[bytes] = set()
        self._ended = False

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Set the scores of refused tokens to minus infinity.

        Args:
            input_ids: int64[B, L], prompts and the tokens generated so far.
            scores: float[B, V], logits or log-probabilities.

        Returns:
            float[B, V], a new tensor.

        Raises:
            ModelError: there are fewer scores than the vocabulary has tokens.
            TokenRefusedError: a row has a generated token that its constraint does not allow.
            InputError: the number of rows is not a multiple of the number of constraints.
        """
        width = self.vocabulary.size
        if scores.shape[1] < width:
            raise ModelError(
                f"the model gives {scores.shape[1]} logits, but the vocabulary has {width} ids",
                hint="Use this model's own tokenizer, or pass size=<the width of the logits>",
            )
        if input_ids.shape[0] % len(self._grammars):
            raise InputError(
                f"{len(self._grammars)} constraints for {input_ids.shape[0]} rows",
                hint="Give one constraint for all prompts, or one for each",
            )
        ids = np.ascontiguousarray(input_ids.detach().cpu().numpy(), dtype=np.int64)
        self._begin(ids)
        masks = np.full((len(ids), bits.words(width)), -1, dtype=np.int32)
        lost = []
        states = []
        each = len(ids) // len(self._grammars)
        for i, row in enumerate(ids[:, self._prompt_length :]):
            grammar = self._grammars[i // each]
            states.append(_FREE if grammar is None else self._state(i // each, row))
            if states[-1] == _LOST:
                lost.append(i)
            elif grammar is not None:
                self._mask(grammar, states[-1], len(row), masks[i])
        if lost:
            self._check_lost(lost, ids, scores)
            masks[lost] = 0
        # Row by row: has it said EOS? A call in which all had is never followed by another of the same generation.
        self._ended = all(np.isin(row[self._prompt_length :], self._eos).any() for row in ids)
        free = [i for i, state in enumerate(states) if state == _FREE]
        return _apply(masks, scores, width, free)

    def _begin(self, ids: NDArray[np.int64]) -> None:
        """Find out whether this call goes on with the last generation or begins a new one."""
        length = ids.shape[1]
        continues = (
            length == self._length + 1
            and not self._ended
            and (self._budget is None or length - self._prompt_length < self._budget)
            and all(row[:-1].tobytes() in self._seen for row in ids)
        )
        if not continues:
            self._prompt_length = length if self._given_length is None else self._given_length
        if self._prompt_length > length:
            raise InputError(f"prompt_length={self._prompt_length}, but the rows have only {length} ids")
        self._length = length
        self._seen = {row.tobytes() for row in ids}

    def _state(self, which: int, row: NDArray[np.int64]) -> int:
        """The state after the generated ids of a row, from the longest prefix that is known."""
        grammar = self._grammars[which]
        assert grammar is not None
        ends = np.flatnonzero(np.isin(row, self._eos))
        if len(ends):
            row = row[: ends[0] + 1]  # what follows the first EOS is padding
        n = len(row)
        while n and _name(which, row[:n]) not in self._states:
            n -= 1
        state = self._states[_name(which, row[:n])] if n else grammar.start
        for end in range(n + 1, len(row) + 1):
            if state != _LOST:
                state = grammar.advance(state, int(row[end - 1]))
            self._states[_name(which, row[:end])] = state
        while len(self._states) > _REMEMBERED:
            self._states.popitem(last=False)
        return state

    def _mask(self, grammar: CompiledGrammar, state: int, n_generated: int, out: NDArray[np.int32]) -> None:
        if self._budget is None or grammar.min_tokens_left(state) > self._budget - n_generated:
            grammar.mask(state, out)  # the second case: a row past its budget, or lost beams' neighbours
        else:
            grammar.budget_mask(state, self._budget - n_generated, out)

    def _check_lost(self, lost: list[int], ids: NDArray[np.int64], scores: torch.Tensor) -> None:
        """Refused tokens are an error, except in beam search.

        Where fewer tokens are allowed than beams are wanted, beam search fills up with candidates of probability 0;
        they never win. It is recognised by its scores being log-probabilities.
        """
        for i in lost:
            if abs(float(torch.logsumexp(scores[i].float(), dim=-1))) < 1e-2:
                continue
            raise TokenRefusedError(
                "the constraint does not allow the tokens generated so far",
                where=f"row {i}, tokens {ids[i, self._prompt_length :][-8:].tolist()} at the end",
                hint="Another processor may force or forbid tokens (min_new_tokens, say): put this one last and "
                "leave those out; if the prompt is this processor's own last output, call reset() before",
            )


def _name(which: int, row: NDArray[np.int64]) -> bytes:
    """A short name of a constraint and the tokens under it, so that long texts take no more memory than short ones."""
    return hashlib.blake2b(row.tobytes(), digest_size=16, salt=which.to_bytes(8, "little")).digest()


def _vocabulary(given: Sequence[Any], tokenizer: Any, size: int | None) -> Vocabulary:
    if tokenizer is not None:
        return Vocabulary.from_tokenizer(tokenizer, size=size)
    for one in given:
        if isinstance(one, CompiledGrammar):
            return one.vocab
    raise InputError("constraints that are not compiled need the tokenizer")


def _apply(masks: NDArray[np.int32], scores: torch.Tensor, width: int, free: list[int]) -> torch.Tensor:
    """``scores`` with minus infinity where the masks have no bit; ids past the vocabulary are refused too."""
    packed = torch.from_numpy(masks).to(scores.device)
    shifts = torch.arange(32, dtype=torch.int32, device=scores.device)
    allowed = ((packed[:, :, None] >> shifts) & 1).bool().flatten(1)[:, :width]
    if scores.shape[1] > width:
        allowed = torch.nn.functional.pad(allowed, (0, scores.shape[1] - width))
    allowed[free] = True
    return scores.masked_fill(~allowed, -torch.inf)
