"""Completion within a token budget: receives states of a machine, returns token counts and masks.

The witness of a state is its shortest completion in bytes, the least in byte order; the witness after a prefix
of the witness is the rest of it. So the number of tokens of the best spelling of the witness is a bound that
falls by one along that spelling, whatever else was asked before: a budget that holds once can be kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from structgen import bits
from structgen.kernels.machine.layout import FAR
from structgen.kernels.spelling import spell
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.machine import Machine

#: More tokens than any budget: the witness cannot be written with this vocabulary.
NEVER = 1 << 30
#: How many states keep what each token leads to.
KEPT = 16


class Budget:
    """Token counts over the states of one machine."""

    def __init__(self, machine: Machine, vocab: Vocabulary) -> None:
        self._machine = machine
        self._vocab = vocab
        self._known: dict[int, int] = {}
        self._after: dict[int, tuple[NDArray[np.int32], NDArray[np.int32]]] = {}

    def min_tokens(self, state: int) -> int:
        """Tokens in the best spelling of the witness of a state."""
        known = self._known.get(state)
        if known is None and self._machine.min_bytes(state) >= FAR:
            known = self._known[state] = NEVER
        if known is None:
            costs = self._costs(self._machine.witness(state))
            known = self._known[state] = int(costs[0])
        return known

    def spelled(self, text: bytes) -> int:
        """How many leading bytes of ``text`` tokens can write (all: ``len(text)``)."""
        trie = self._vocab.trie
        reachable = [True] + [False] * len(text)
        for i in range(len(text)):
            if not reachable[i]:
                continue
            for j in range(i + 1, min(len(text), i + trie.max_depth) + 1):
                node = trie.find(text[i:j])
                if node < 0:
                    break
                if len(trie.at(node)):
                    reachable[j] = True
        return max(i for i, flag in enumerate(reachable) if flag)

    def mask(self, state: int, tokens_left: int, out: NDArray[np.int32]) -> None:
        """The tokens after which ``min_tokens`` is under ``tokens_left``; EOS where the text may end."""
        machine = self._machine
        out[:] = machine.row(state)
        # a witness that can be written byte by byte takes no more tokens than bytes
        if machine.worst(state) < tokens_left and machine.store.spellable:
            return
        if machine.reading(state) and machine.store.spellable:
            allowed = self._reading(state, tokens_left, out)
        else:
            reached, index = self._reached(state, False)
            fits = np.zeros(len(reached), dtype=np.bool_)
            for i, target in enumerate(reached.tolist()):
                fits[i] = target >= 0 and self.within(target, tokens_left - 1)
            allowed = fits[index]
        if machine.accepts(state):
            allowed[list(self._vocab.eos_token_ids)] = True
        out &= bits.pack(allowed)

    def _reading(self, state: int, tokens_left: int, row: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Where a capture reads a text, every token leads to a state of its own: they are not all made.

        Tokens fit whose bound by bytes does, whatever the text; of the others, those are looked at by themselves
        after which it is the text that decides, and those that begin the witness, one of which fits.
        """
        machine, trie = self._machine, self._vocab.trie
        reached, index = self._reached(state, True)
        fits = np.zeros(len(reached), dtype=np.bool_)
        for i, target in enumerate(reached.tolist()):
            fits[i] = target >= 0 and machine.min_bytes(target) < tokens_left
        allowed = fits[index]
        unsure = bits.unpack(row, self._vocab.size) & (reached[index] < 0)
        unsure[list(self._vocab.eos_token_ids)] = False
        tokens = np.flatnonzero(unsure).tolist()
        witness = machine.witness(state) if machine.min_bytes(state) < FAR else b""
        for n in range(1, min(len(witness), trie.max_depth) + 1):
            node = trie.find(witness[:n])
            if node < 0:
                break
            tokens.extend(trie.at(node).tolist())
        for token in tokens:
            text = self._vocab.tokens[token]
            assert text
            after = machine.advance(state, np.frombuffer(bytearray(text), dtype=np.uint8))
            allowed[token] = after >= 0 and self.within(after, tokens_left - 1)
        return allowed

    def _reached(self, state: int, blank: bool) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The states after each token: the distinct ones, int32[k], and which of them, int32[V].

        The last few are kept: near its budget a text often stays in one state, such as the inside of a string.
        """
        known = self._after.pop(state, None)
        if known is None:
            states = np.empty(self._vocab.size, dtype=np.int32)
            self._machine.next_states(state, blank, states)
            reached, index = np.unique(states, return_inverse=True)
            known = (reached, index.astype(np.int32))
            if len(self._after) >= KEPT:
                del self._after[next(iter(self._after))]
        self._after[state] = known
        return known

    def within(self, state: int, tokens: int) -> bool:
        """``min_tokens(state) <= tokens``; a witness that can be written byte by byte is not spelled for it."""
        if self._machine.min_bytes(state) <= tokens and self._machine.store.spellable:
            return True
        return self.min_tokens(state) <= tokens

    def _costs(self, text: bytes) -> NDArray[np.int32]:
        trie = self._vocab.trie
        data = np.frombuffer(bytearray(text), dtype=np.uint8)  # a copy that may be written to: one type for Numba
        return spell(data, trie.byte, trie.end, trie.token_first, trie.root_child, NEVER)
