"""Handles: what kernels see of a bundle is the bundle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import config, njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.handles import handle, machine_of, renewed, terminals_of
from structgen.runtime.machine import Machine


def machine() -> L.Machine:
    """Arrays of random numbers."""
    rng = np.random.default_rng(7)
    arrays = Machine.empty_arrays(3)
    for array in arrays:
        array[...] = rng.integers(0, 100, array.shape)
    return arrays


@njit
def _last_of_each(h: Any) -> Any:
    m = machine_of(h)
    found = np.zeros(8, dtype=np.int64)
    found[0] = m.used[len(m.used) - 1]
    found[1] = m.cells[m.cells.shape[0] - 1, m.cells.shape[1] - 1]
    found[2] = m.nodebytes[-1, 3]
    found[3] = m.foldrow[m.foldrow.shape[0] - 1]
    found[4] = m.sets.shape[1]
    m.after[2, 1] = 12
    found[5] = m.after[2, 1]
    row = m.edges[5]
    row[3] = 17
    found[6] = m.edges[5, 3]
    return found


def test_a_kernel_reads_and_writes_the_arrays_of_the_bundle() -> None:
    arrays = machine()
    expected = [
        arrays.used[-1], arrays.cells[-1, -1], arrays.nodebytes[-1, 3], arrays.foldrow[-1], L.S_COLS, 12, 17, 0,
    ]  # fmt: skip
    assert _last_of_each(handle(arrays)).tolist() == expected
    assert (arrays.after[2, 1], arrays.edges[5, 3]) == (12, 17)


def test_a_renewed_handle_has_the_new_arrays() -> None:
    arrays = machine()
    old = handle(arrays)
    grown = arrays._replace(cells=np.full((100, 7), 5, dtype=np.int32))
    assert _last_of_each(renewed(old, grown, ["cells"]))[1] == 5


def test_the_types_of_all_fields_are_written_down() -> None:
    assert tuple(L.MACHINE_FIELDS) == L.Machine._fields
    assert tuple(L.TERMINAL_FIELDS) == L.Terminals._fields


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="without JIT a handle is the bundle")
@pytest.mark.parametrize(
    "wrong",
    [np.zeros((4, 7), dtype=np.int64), np.zeros((4, 6), dtype=np.int32), np.zeros((7, 4), dtype=np.int32).T],
    ids=["dtype", "columns", "not contiguous"],
)
def test_an_array_of_another_type_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(TypeError):
        handle(machine()._replace(cells=wrong))


@njit
def _rows(h: Any) -> Any:
    t = terminals_of(h)
    total = 0
    for k in range(t.rows.shape[0]):
        for w in range(t.rows.shape[1]):
            total += t.rows[k, w] * (k * 10 + w)
    return total


def test_rows_have_the_width_of_the_vocabulary() -> None:
    from structgen.masks.terminals import TerminalStore
    from structgen.masks.vocabulary import Vocabulary

    store = TerminalStore(Vocabulary([bytes([b]) for b in range(70)]), 1 << 20)
    rows = store.arrays.rows
    rows[1, 2] = 3
    rows[2, 0] = 4
    assert store.width == 3
    assert _rows(store.handle) == 3 * 12 + 4 * 20
