"""Numbers added to the log-probabilities of some tokens, whatever comes before them.

What a bias leaves is a law again: the probabilities are renormalised, over all tokens where the model's law is meant
and over the allowed ones where a mask is applied after it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from structgen.errors import InputError


class TokenBias:
    """A bias by token id.

    Args:
        given: a finite number by token id.
        size: ids are under it.

    Attributes:
        by_id: the bias by id, ascending; ids whose bias is 0 are left out.

    Raises:
        InputError: an id is out of range, or a bias is no finite number.
    """

    def __init__(self, given: Mapping[int, float], size: int) -> None:
        if not isinstance(given, Mapping):
            raise InputError(f"token_bias is {type(given).__name__}", hint="It is a dict of numbers by token id")
        for token, bias in given.items():
            if isinstance(token, bool) or not isinstance(token, (int, np.integer)) or not 0 <= token < size:
                raise InputError(f"token_bias names {token!r}", hint=f"Give token ids from 0 to {size - 1}")
            number = isinstance(bias, (int, float, np.integer, np.floating)) and not isinstance(bias, bool)
            if not number or not np.isfinite(bias):
                raise InputError(
                    f"token_bias={{{token}: {bias!r}}}",
                    hint="It is a finite number; to ban text use banned=[...] or sg.sampling.without(...)",
                )
        self.by_id = {int(token): float(bias) for token, bias in sorted(given.items()) if bias != 0}
        self._ids = np.array(list(self.by_id), dtype=np.int64)
        self._bias = np.array(list(self.by_id.values()), dtype=np.float64)

    def __bool__(self) -> bool:
        return bool(self.by_id)

    def __call__(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Biased logits or log-probabilities, ``float64[..., V]``, not renormalised; what is given stays as it is."""
        biased = logits.astype(np.float64)
        biased[..., self._ids] += self._bias
        return biased
