"""Finished masks: kept by state while there is room, in blocks that grammars hand on."""

from __future__ import annotations

import numpy as np

from structgen.masks.finished import BLOCK, ROW_OVERHEAD, Blocks, Finished

WIDTH = BLOCK // 16  # four rows to a block, less the overhead: three


def filled(finished: Finished, states: range) -> None:
    for state in states:
        row = finished.room()
        row[:] = state
        finished.keep(state, row)


def test_rows_stay_as_they_were_written() -> None:
    finished = Finished(Blocks(WIDTH), 1 << 30)
    filled(finished, range(10))
    assert [int(finished.rows[s][0]) for s in range(10)] == list(range(10))
    assert all((finished.rows[s] == s).all() for s in range(10))


def test_equal_masks_share_a_row() -> None:
    for width in (WIDTH, 1, 2, 5):
        finished = Finished(Blocks(width), 1 << 30)
        row = finished.room()
        row[:] = 7
        assert finished.keep(0, row) is row
        for state in (1, 2):
            again = finished.room()
            again[:] = 7
            again[-1] = state
            kept = finished.keep(state, again)
            assert kept is again
            other = finished.room()
            other[:] = kept
            assert finished.keep(10 + state, other) is kept
        assert (finished.rows[0] == 7).all()
        assert [int(finished.rows[s][-1]) for s in (1, 2, 11, 12)] == [1, 2, 1, 2]


def test_masks_of_one_hash_are_told_apart() -> None:
    blocks = Blocks(4)
    blocks.weights[:] = 0
    finished = Finished(blocks, 1 << 30)
    for state in (0, 1, 2, 0):
        row = finished.room()
        row[:] = (state, 1, 2, 3)
        finished.keep(state, row)
    assert [int(finished.rows[state][0]) for state in range(3)] == [0, 1, 2]


def test_states_are_counted_where_rows_are_shared() -> None:
    blocks = Blocks(WIDTH)
    finished = Finished(blocks, blocks.nbytes + 20 * ROW_OVERHEAD)
    for state in range(50):
        row = finished.room()
        row[:] = 3
        finished.keep(state, row)
    assert len(finished.rows) <= 21 and (finished.rows[49] == 3).all()


def test_room_that_is_not_kept_is_given_again() -> None:
    finished = Finished(Blocks(WIDTH), 1 << 30)
    assert finished.room() is not None
    first = finished.room().ctypes.data
    assert finished.room().ctypes.data == first
    finished.keep(0, finished.room())
    assert finished.room().ctypes.data != first


def test_all_rows_go_when_there_are_too_many() -> None:
    blocks = Blocks(WIDTH)
    per_block = len(blocks.take())
    finished = Finished(blocks, 2 * BLOCK + 100 * ROW_OVERHEAD)
    filled(finished, range(2 * per_block))
    assert len(finished.rows) == 2 * per_block
    kept = finished.rows[0]
    filled(finished, range(100, 101))
    assert list(finished.rows) == [100]
    assert (kept == 0).all()  # whoever holds a row may go on reading it
    assert finished.nbytes <= 2 * BLOCK + 100 * ROW_OVERHEAD


def test_a_grammar_that_goes_hands_its_blocks_on() -> None:
    blocks = Blocks(WIDTH)
    finished = Finished(blocks, 1 << 30)
    filled(finished, range(3))
    address = finished.rows[0].ctypes.data
    del finished
    assert blocks.take().ctypes.data == address
    assert np.shares_memory(blocks.take(), blocks.take()) is False


def test_rows_wider_than_a_block() -> None:
    finished = Finished(Blocks(BLOCK), 1)
    filled(finished, range(3))
    assert list(finished.rows) == [2]
