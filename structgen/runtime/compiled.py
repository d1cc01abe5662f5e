"""A compiled grammar: a constraint over a vocabulary, whose states are integers.

Receives a network and a vocabulary; everything after this (samplers, speculation, servers) sees only int
states and packed int32 rows. State 0 is the *final* state, reached by EOS.
"""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from structgen import bits
from structgen.errors import InputError, LimitError, VocabularyError
from structgen.ir.network import Network
from structgen.limits import Limits
from structgen.masks.terminals import store_of
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.budget import NEVER, Budget
from structgen.runtime.endless import Endless, spellable
from structgen.runtime.machine import FINISHED, Machine
from structgen.runtime.warm import warm_up
from structgen.source.special import before_special

if TYPE_CHECKING:
    from structgen.runtime.device import DeviceGrammar

#: A constraint whose shortest text is longer is refused: no model writes it, and its states would fill the memory.
MOST_BYTES = 2_000_000
#: What advance returns where a token is not allowed.
REFUSED = -1
_INT32 = np.dtype(np.int32)
_DEFAULTS = Limits()


def checked_limits(limits: object) -> Limits:
    """The limits given, or the defaults. Raises InputError where they are no limits."""
    if limits is None or limits is _DEFAULTS:
        return _DEFAULTS
    if not isinstance(limits, Limits):
        raise InputError(f"limits is a Limits, not {type(limits).__name__}", hint="Make one with sg.Limits(...)")
    for field in fields(limits):
        value = getattr(limits, field.name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f"{field.name}={value!r}", where="limits", hint="Each limit is an integer, at least 1")
    return limits


class CompiledGrammar:
    """A constraint compiled for a vocabulary. Safe to share between threads.

    A state is an int; copying it forks, keeping it allows rollback. The states of one grammar mean nothing to
    another. Every state reached can be completed, and ``mask`` is exact: token t is in it if and only if the
    text so far followed by t's bytes is a prefix of a text of the language, and an EOS id if and only if the
    text is in the language.

    Attributes:
        start: the state of the empty text.
        vocab: the vocabulary.
        width: words in a mask, ceil(V / 32).
        special: the special tokens that texts may hold, by name. In bytes (``advance_bytes``, ``witness``) each is its
            name between two bytes 0xFF, which no text has.
    """

    def __init__(
        self, network: Network, vocab: Vocabulary, limits: Limits | None = None, special: Collection[str] = ()
    ) -> None:
        limits = checked_limits(limits)
        warm_up()
        self.vocab = vocab
        self.special = frozenset(special)
        for name in sorted(self.special):
            _check_special(name, vocab)
        #: The vocabulary whose tokens have the bytes that the network is made of.
        self.spelled = vocab.named if special else vocab
        self.limits = limits
        self.network = network
        self.width = bits.words(vocab.size)
        self._store = store_of(self.spelled, limits.max_vocabulary_bytes)
        self._lock = self._store.lock
        self._eos = frozenset(vocab.eos_token_ids)
        self._tokens = self._store.texts
        self._next: dict[int, int] = {}
        #: How to make this grammar again, set by whoever compiled it: a function and a constraint.
        self.recipe: tuple[Callable[..., CompiledGrammar], Any] | None = None
        self._endless: Endless | None = None
        self._shape = (self.width,)
        with self._lock:
            self._machine = Machine(network, self._store, limits)
            self._rows = self._machine.rows
            self._budget = Budget(self._machine, self.spelled)
            self.start: int = self._machine.start
            self._check_vocabulary()

    @cached_property
    def _final_row(self) -> NDArray[np.int32]:
        return bits.from_ids(self.vocab.eos_token_ids, self.vocab.size)

    # ------------------------------------------------------------ the pinned interface

    def mask(self, state: int, out: NDArray[np.int32] | None = None) -> NDArray[np.int32]:
        """The tokens allowed after ``state``.

        Args:
            state: a state of this grammar.
            out: int32[ceil(V/32)] to write into, or None for a new array.

        Returns:
            int32[ceil(V/32)]; bit t % 32 of word t // 32 is token t; EOS bits are set where the text may end.

        Raises:
            LimitError: a limit was reached while new states were made.
        """
        if (
            type(out) is not np.ndarray
            or out.dtype is not _INT32
            or out.shape != self._shape
            or not out.flags.writeable
        ):
            out = self._row_for(out)
        row = self._rows.get(operator.index(state))
        if row is None:
            with self._lock:
                row = self._machine.row(self._checked(state))
        out[:] = row
        return out

    def advance(self, state: int, token: int) -> int:
        """The state after a token; -1 where it is not allowed. EOS leads to the final state, 0."""
        state, token = operator.index(state), operator.index(token)  # NumPy's integers would overflow in the key
        if not 0 <= token < self.vocab.size:
            return REFUSED
        key = state * self.vocab.size + token
        known = self._next.get(key)
        if known is not None:
            return known
        if token in self._eos:
            result = FINISHED if self.accepts(state) else REFUSED
        elif state == FINISHED:
            result = REFUSED
        else:
            data = self._bytes_of(token)
            with self._lock:
                result = REFUSED if data is None else self._machine.advance(self._checked(state), data)
        if len(self._next) > 1_000_000:
            self._next.clear()
        self._next[key] = result
        return result

    def advance_bytes(self, state: int, data: bytes) -> int:
        """The state after some bytes of text; -1 where they are not allowed."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise InputError(
                f"text is advanced over as bytes, not as {type(data).__name__}",
                hint="Encode it first: text.encode()" if isinstance(data, str) else None,
            )
        if state == FINISHED:
            return FINISHED if not data else REFUSED
        with self._lock:
            return self._machine.advance(self._checked(state), np.frombuffer(bytearray(data), dtype=np.uint8))

    def next_states(self, state: int) -> NDArray[np.int32]:
        """The state after each token: int32[V]; -1 where it is not allowed. EOS leads to 0 where the text may end."""
        out = np.full(self.vocab.size, REFUSED, dtype=np.int32)
        with self._lock:
            if self._checked(state) != FINISHED:
                self._machine.next_states(state, False, out)
            if self._machine.accepts(state):
                out[list(self._eos)] = FINISHED
        return out

    def accepts(self, state: int) -> bool:
        """May the text end here?"""
        with self._lock:
            return self._machine.accepts(self._checked(state))

    def forced_bytes(self, state: int) -> bytes:
        """The longest continuation that is the only one; empty where the text may end or go two ways.

        It ends before a special token.
        """
        if state == FINISHED:
            return b""
        with self._lock:
            forced = self._machine.forced(self._checked(state))[0]
        return before_special(forced) if self.special else forced

    def min_bytes_left(self, state: int) -> int:
        """The least number of bytes that complete the text; 0 where it may end."""
        with self._lock:
            return self._machine.min_bytes(self._checked(state))

    def min_tokens_left(self, state: int) -> int:
        """Tokens (EOS not counted) in which the text can be completed; 0 if and only if it may end here.

        The number of tokens of the best spelling of a witness: of the completions with the fewest bytes, the
        least in byte order. A completion in fewer tokens but more bytes may exist. The bound is consistent:
        along the witness it falls by one with each token.
        """
        if state == FINISHED:
            return 0
        with self._lock:
            return self._budget.min_tokens(self._checked(state))

    def fill_masks(self, states: Sequence[int] | NDArray[np.int32], out: NDArray[np.int32]) -> None:
        """The masks of a batch: row i of ``out``, int32[B, ceil(V/32)], gets the mask of ``states[i]``.

        A negative state stands for "not constrained": its row gets every bit of the vocabulary.
        """
        given = np.asarray(states)
        if given.ndim != 1 or (len(given) and given.dtype.kind not in "iu"):
            raise InputError("states are a sequence of integers", hint="One state for each row of the batch")
        if (
            not isinstance(out, np.ndarray)
            or out.dtype != np.int32
            or out.ndim != 2
            or out.shape[1] != self.width
            or not out.flags.writeable
        ):
            raise InputError(f"masks of this vocabulary are written into a NumPy array int32[B, {self.width}]")
        if len(out) < len(given):
            raise InputError(f"{len(given)} states do not fit a batch of {len(out)} rows")
        with self._lock:
            for i, state in enumerate(given.tolist()):
                if state < 0:
                    out[i] = self._all_row()
                elif state == FINISHED:
                    out[i] = self._final_row
                else:
                    out[i] = self._machine.row(self._checked(state))

    # ------------------------------------------------------------ beyond it

    def budget_mask(self, state: int, tokens_left: int, out: NDArray[np.int32] | None = None) -> NDArray[np.int32]:
        """``mask``, less the tokens after which the text could not be completed in ``tokens_left - 1`` tokens.

        EOS is not counted: a text may take all its tokens and end without it. While
        ``min_tokens_left(state) <= tokens_left`` holds, the mask is never empty (unless the text is complete
        and the budget used up), and it holds again after any token of the mask. Far from the
        budget this costs what ``mask`` costs. Close to it, inside a text that decides what may follow it (the name of
        a property), more tokens may be left out than that.
        """
        out = self._row_for(out)
        tokens_left = operator.index(tokens_left)
        if state == FINISHED:
            out[:] = self._final_row
        else:
            with self._lock:
                self._budget.mask(self._checked(state), tokens_left, out)
        return out

    def completable_within(self, state: int, tokens: int) -> bool:
        """``min_tokens_left(state) <= tokens``, answered by bytes alone where they suffice."""
        tokens = operator.index(tokens)
        if state == FINISHED:
            return tokens >= 0
        with self._lock:
            return self._budget.within(self._checked(state), tokens)

    def unite(self, states: Sequence[int] | NDArray[np.int32]) -> int:
        """The state from which exactly the texts go on that go on from any of ``states``.

        States are deterministic, so this is no state that a text leads to, but all questions can be asked of it. What
        ``expected`` says of it, and masks and budgets, are those of the union.

        Raises:
            InputError: there is no state, or one of them is the final one (a text that has ended does not go on).
        """
        found = sorted({operator.index(state) for state in states})
        if not found or found[0] == FINISHED:
            raise InputError("states are united that a text can go on from", hint="Leave out the final state, 0")
        with self._lock:
            for state in (found[0], found[-1]):
                self._checked(state)
            return found[0] if len(found) == 1 else self._machine.unite(np.array(found, dtype=np.int32))

    def after_any(self, state: int) -> int:
        """The state of all texts that go on from ``state`` by any number of tokens (none included), however deep.

        As of ``unite``: it is no state that a text leads to.

        Raises:
            UnsupportedError: a text in between would have to be remembered (names that must not repeat).
            LimitError: it takes too many items.
            InputError: it is the final state.
        """
        with self._lock:
            if self._checked(state) == FINISHED:
                raise InputError("a text that has ended does not go on")
            if self._endless is None:
                self._endless = Endless(self._machine, *spellable(self.spelled, self.limits.max_automaton_states))
            return self._endless.after(state)

    def expected(self, state: int) -> list[tuple[str, str | None]]:
        """What may come next, as (terminal's name, place in the user's source), for messages."""
        if state == FINISHED:
            return []
        with self._lock:
            return [(t.name, where) for t, where in self._machine.expected(self._checked(state))]

    def next_bytes(self, state: int) -> list[int]:
        """The byte values that may come next, ascending."""
        if state == FINISHED:
            return []
        with self._lock:
            return self._machine.first_bytes(self._checked(state))

    def witness(self, state: int) -> bytes:
        """A shortest completion of the text, in bytes."""
        if state == FINISHED:
            return b""
        with self._lock:
            return self._machine.witness(self._checked(state))

    def nests(self) -> bool:
        """Have the states met so far shown that something nests without bound? Then there is no end of them."""
        with self._lock:
            return self._machine.nests()

    def to_device(self, device: Any = "cuda", **options: Any) -> DeviceGrammar:
        """Put the states, transitions and masks of a finite grammar on a device, to decode there without the host.

        Args and errors: see :func:`structgen.runtime.device.to_device`, which takes ``batch``, ``max_states`` and
        ``max_bytes``. What nests without bound is refused with a LimitError.
        """
        from structgen.runtime.device import to_device

        return to_device(self, device, **options)

    @cached_property
    def texts(self) -> tuple[bytes | None, ...]:
        """What each token adds to a text as it is shown: its bytes, or its name if it is one of ``special``."""
        if not self.special:
            return self.vocab.tokens
        texts = list(self.vocab.tokens)
        for name in self.special:
            token = self.vocab.special[name]
            texts += [None] * (token + 1 - len(texts))
            texts[token] = name.encode("utf-8", "surrogatepass")
        return tuple(texts)

    @property
    def n_states(self) -> int:
        """How many states have been met so far."""
        return self._machine.n_states

    @property
    def nbytes(self) -> int:
        """Memory of this grammar's tables in bytes; what the vocabulary's grammars share is left out."""
        return self._machine.nbytes

    # ------------------------------------------------------------ copies

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledGrammar:
        """The grammar itself: what it has worked out only ever grows, and states stay good."""
        return self

    def __copy__(self) -> CompiledGrammar:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickled grammar is its constraint, vocabulary and limits: it is compiled again where it is loaded.

        Of the states only ``start`` is good there; the others are numbered as they are met.
        """
        if self.recipe is None:
            raise InputError(
                "a grammar made of a network cannot be pickled",
                hint="Pickle what the network is made of; grammars of sg.compile can be pickled",
            )
        remake, constraint = self.recipe
        return _remade, (remake, constraint, self.vocab, self.limits)

    # ------------------------------------------------------------ inside

    def _row_for(self, out: NDArray[np.int32] | None) -> NDArray[np.int32]:
        if out is None:
            return np.empty(self.width, dtype=np.int32)
        if (
            not isinstance(out, np.ndarray)
            or out.dtype != np.int32
            or out.shape != (self.width,)
            or not out.flags.writeable
        ):
            raise InputError(f"a mask of this vocabulary is written into a NumPy array int32[{self.width}]")
        return out

    def _checked(self, state: int) -> int:
        state = operator.index(state)
        if not 0 <= state < self._machine.n_states:
            raise InputError(
                f"{state} is not a state of this grammar",
                hint="States come from start and advance of the same compiled grammar; -1 means refused",
            )
        return state

    def _bytes_of(self, token: int) -> NDArray[np.uint8] | None:
        data = self._tokens.get(token)
        if data is None and token < len(self.spelled.tokens):
            text = self.spelled.tokens[token]
            if text:
                data = self._tokens[token] = np.frombuffer(bytearray(text), dtype=np.uint8)
        return data

    def _all_row(self) -> NDArray[np.int32]:
        row = self.__dict__.get("_everything")
        if row is None:
            row = self.__dict__["_everything"] = bits.pack(np.ones(self.vocab.size, dtype=np.bool_))
        return row

    def _check_vocabulary(self) -> None:
        """Refuse a vocabulary in which the shortest text cannot be written, and a text of no use to anyone."""
        if self._machine.min_bytes(self.start) > MOST_BYTES:
            raise LimitError(
                f"the shortest text of the constraint has more than {MOST_BYTES} bytes",
                hint="Lower minItems, minLength or minProperties",
            )
        if self._store.spells_all or self._budget.min_tokens(self.start) < NEVER:
            return
        text = self._machine.witness(self.start)
        reached = self._budget.spelled(text)
        if reached < len(text):
            raise VocabularyError(
                f"the constraint needs byte 0x{text[reached]:02x} (in {text!r}), "
                "but no token of the vocabulary can write it there",
                hint="Use a tokenizer with byte fallback, or a constraint that does without this character",
            )


def _remade(
    remake: Callable[..., CompiledGrammar], constraint: Any, vocab: Vocabulary, limits: Limits
) -> CompiledGrammar:
    return remake(constraint, vocab, limits=limits)


def _check_special(name: str, vocab: Vocabulary) -> None:
    """Refuse a special token that the vocabulary has not, or that ends texts in it."""
    token = vocab.special.get(name)
    if token is None:
        data = name.encode("utf-8", "surrogatepass")
        near = difflib.get_close_matches(name, vocab.special, 3, 0.5)
        if data in vocab.tokens:
            hint = "It has an ordinary token of this text: write it as a string"
        elif near:
            hint = f"Near it are {', '.join(near)}"
        elif vocab.special:
            hint = f"It has {', '.join(sorted(vocab.special)[:8])}" + (", ..." if len(vocab.special) > 8 else "")
        else:
            hint = "It names none: give Vocabulary(..., special={name: id}), or make it with from_tokenizer"
        raise VocabularyError(f"the vocabulary has no special token {name}", hint=hint)
    if token in vocab.eos_token_ids:
        raise VocabularyError(
            f"the special token {name} ends texts in this vocabulary, so none can hold it",
            hint="Leave it out at the end; inside, make the vocabulary with other eos_token_ids",
        )
