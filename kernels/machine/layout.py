"""The arrays the machine works on: what each arena holds, column by column. Numbers only, no code.

Two bundles of arrays are handed to every kernel: :class:`Terminals`, shared by all grammars of one
vocabulary, and :class:`Machine`, one for each grammar. ``used`` in each counts the rows taken of every arena.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Array = Any  # numpy arrays; their types are given below as dtype[shape], and once more for Numba in ..._FIELDS


class Field(NamedTuple):
    """The type of an array of a bundle."""

    dtype: str
    columns: int | None = 0  # of the second axis; 0: there is none, None: any number


#: Results of a kernel: a value of 0 or more, or one of these.
DEAD = -1  # no such transition
ASK = -2  # something is missing: machine.used[ASK_WHAT] says what, used[ASK_ARG] of what; serve it, call again

#: What can be asked for.
ASK_NODE = 1  # expand node ARG
ASK_TARGET = 2  # resolve the target of edge ARG
ASK_ROW = 3  # build the row of terminal state ARG
ASK_GROW = 4  # make room in arena ARG of the machine
ASK_GROW_T = 5  # make room in arena ARG of the terminals
ASK_RESTRICT = 8  # restrict a terminal state by a ban; ARG is state << 32 | ban
ASK_TEXT = 9  # where edge (ARG >> 32) leads after the text on tape (ARG & 2**32 - 1) from used[ASK_MORE] on
ASK_UNION = 7  # unite cells of which one has C_LOOPS; ARG is the one << 32 | the other
ASK_VALUES = 10  # the edges behind slot MORE of record ARG
ASK_BLURRED = 11  # what R_BLURRED of record ARG is
ASK_LOOP = 6  # a closure did not end: the network has left recursion at node ARG

#: A closure longer than this is taken for left recursion that the network should not have.
LONG_CLOSURE = 50_000

#: "No upper bound" for what is left of a count.
INF = 2**31 - 1
#: Distances are clamped here, so that sums of a few stay in int32.
FAR = 2**28

# Terminals.q, one row for each terminal state
# its intervals in iv: first and number (of the base state, for counted ones). First -1 - s: they are still those of
# state s of the large automata (large.py)
Q_IV, Q_NIV = 0, 1
Q_ACCEPT = 2  # 0: the terminal may not end here; 1 + ban: it may, and the ban (0: none) holds for what follows
Q_DIST = 3  # least bytes to an accepting state without a ban, counts included
Q_DENSE = 4  # row of dense, or -1
Q_BASE = 5  # the state without its count (itself if uncounted)
Q_NEED, Q_LEFT = 6, 7  # iterations still owed; iterations still allowed (INF: any number)
Q_ITER = 8  # least bytes of one iteration for states before the exit, else 0; -1: leads to counted states
Q_ROWQ = 9  # the state whose row and remainder serve this one too; -1: not known yet
Q_INNER = 10  # the row of inner tokens: -1 not built, r >= 0 dense row r, -2 - s sparse list s
Q_REST = 11  # remainder, the first of a list with one for each ban; or -1: none
Q_MAXD = 12  # greatest Q_DIST after an inner token
Q_HASH = 13  # hash by which equal states are met; 0: not to be met
Q_COLS = 14

#: The terminal state of a terminal without a text: no way on, no end.
NOTHING = 0

#: Keep keys in Terminals.restnext apart.
KEY_BANNED = 1 << 62
KEY_PAIR = 1 << 61
KEY_ROOT = KEY_BANNED + KEY_PAIR

# Terminals.iv columns
# IV_PICK: the least byte of the interval that is a token by itself, else 256 + the least byte
IV_LO, IV_HI, IV_TO, IV_MARK, IV_PICK = 0, 1, 2, 3, 4

# Terminals.rest: remainders; a remainder is a set of trie nodes, listed in restlist by their bytes
R_FIRST, R_N = 0, 1
R_BAN, R_NEXT = 2, 3  # the ban under which the terminal has ended; the next remainder of the state or -1
R_SAME = 4  # the remainder of equal nodes and ban without a next one
R_COLS = 5

# Terminals.pairs: the row of a terminal state over the tokens of a remainder, in place of the whole vocabulary:
# the inner tokens as Q_INNER, the remainders as Q_REST, the greatest Q_DIST after an inner token
P_INNER, P_REST, P_MAXD = 0, 1, 2

# Arenas of Terminals, as indices into used and names of fields
T_EPOCH = 15  # in used: how often rows were dropped
T_Q, T_IV, T_DENSE, T_ROWS, T_SPARSE, T_SPARSELIST, T_REST, T_RESTLIST, T_RESTNEXT, T_PAIRS, T_BANNED = range(11)
TERMINAL_ARENAS = (
    ("q", "qbytes", "loops", "qhash", "statehash"),
    ("iv",),
    ("dense",),
    ("rows",),
    ("sparse",),
    ("sparselist",),
    ("rest", "restbytes"),
    ("restlist",),
    ("restnext",),
    ("pairs",),
    ("banned",),
)


class Terminals(NamedTuple):
    """Everything that depends on terminals and vocabulary only."""

    used: Array  # int64[16]
    q: Array  # int32[*, Q_COLS]
    qbytes: Array  # uint64[*, 4]: the 256-bit set of bytes that leave the state
    loops: Array  # uint64[*]: the classes of bytes that lead the state back to itself, 0: not known yet (loops.py)
    qhash: Array  # int32[power of 2]: counted states by (base, need, left); id + 1, 0 is free
    statehash: Array  # int32[power of 2]: uncounted states by Q_HASH; id + 1, 0 is free
    iv: Array  # int32[*, 5]: lo, hi, target, mark, pick
    dense: Array  # int32[*, 256]: target * 4 + mark, or -1
    rows: Array  # int32[*, W]
    sparse: Array  # int32[*, 2]: first and number in sparselist
    sparselist: Array  # int32[*]: token ids
    rest: Array  # int32[*, R_COLS]
    restbytes: Array  # uint64[*, 4]: bytes of the nodes
    restlist: Array  # int32[*]: trie nodes
    restnext: Array  # int64[power of 2, 2]: KEY_BANNED + (state << 32 | ban) + 1 -> the state under the ban;
    #     KEY_PAIR + (remainder << 32 | state) + 1 -> row of pairs; with bit 30: another remainder -> the union of the
    #     two, with bit 31: one -> the list of the two; with both: hash << 32 | attempt -> row of rows
    #     KEY_ROOT + (hash << 32 | attempt) + 1 -> the remainder of this content
    pairs: Array  # int32[*, 3]
    banned: Array  # uint64[*, 5]: bytes that a ban forbids at once, then the classes (see below) all of which it does
    trie: Array  # int32[nodes, 4]: byte, end of the subtree, depth (1 for first bytes), what is below (see below)
    bytes: Array  # uint8[nodes]: the bytes once more, where nothing else is looked at
    trietok: Array  # int32[nodes + 1]: first of the tokens that end at each node
    tokens: Array  # int32[*]: token ids
    below: Array  # uint64[*]: sets of the classes of bytes that stand below some node (see kernels/trie/below.py)
    eos: Array  # int32[*]: ids set where the text may end
    # scratch of rows
    ids: Array  # int32[*]: its length is the longest list of ids that is kept as one
    path: Array  # int32[longest + 1, 3]
    found: Array  # int32[trie nodes]
    others: Array  # int32[trie nodes]
    following: Array  # int32[257]: the least byte from each byte on that is a token by itself, 256 if there is none
    # the large automata, one after the other, as ByteDfa has them; see large.py
    largefirst: Array  # int32[n + 1]
    largelo: Array  # uint8[m]
    largehi: Array  # uint8[m]
    largeto: Array  # int32[m]
    largeaccept: Array  # uint8[n]
    largedistance: Array  # int32[n]
    largeat: Array  # int32[n]: the terminal state of each, 0: there is none yet


#: The fields of Terminals, in their order.
TERMINAL_FIELDS = {
    "used": Field("int64"), "q": Field("int32", Q_COLS), "qbytes": Field("uint64", 4), "loops": Field("uint64"),
    "qhash": Field("int32"), "statehash": Field("int32"), "iv": Field("int32", 5), "dense": Field("int32", 256),
    "rows": Field("int32", None), "sparse": Field("int32", 2), "sparselist": Field("int32"),
    "rest": Field("int32", R_COLS), "restbytes": Field("uint64", 4), "restlist": Field("int32"),
    "restnext": Field("int64", 2), "pairs": Field("int32", 3), "banned": Field("uint64", 5),
    "trie": Field("int32", 4), "bytes": Field("uint8"), "trietok": Field("int32"), "tokens": Field("int32"),
    "below": Field("uint64"), "eos": Field("int32"), "ids": Field("int32"), "path": Field("int32", 3),
    "found": Field("int32"), "others": Field("int32"), "following": Field("int32"), "largefirst": Field("int32"),
    "largelo": Field("uint8"), "largehi": Field("uint8"), "largeto": Field("int32"), "largeaccept": Field("uint8"),
    "largedistance": Field("int32"), "largeat": Field("int32"),
}  # fmt: skip

# Machine arenas
N_READY, N_ACCEPT, N_EDGE, N_EDGES = 0, 1, 2, 3  # nodes
N_RANK = 4  # greater than the ranks of all nodes called, where no rule of these can end before a byte is read; else 0
N_SET, N_PLACE, N_SLOT = 5, 6, 7  # of members of records: 1 + their set; where they stand in it. Else 0
N_COLS = 8
E_Q0, E_CALL, E_TARGET, E_REST, E_SHADOW = 0, 1, 2, 3, 4  # edges
# E_CALL: the node called; of edges that stand for what the text of a capture decides (E_Q0 is NOTHING) -1, or a
# terminal state: only the bytes that leave it are in doubt
E_NODE, E_CONTENT, E_COLS = 5, 6, 7  # for the caller: the node of an edge, and where it has what the edge is made of
# TARGET_UNSURE: cannot be said without the text of a capture. The target of an edge that captures is its outline.
# TARGET_SLOT - i: of a member of a record, not looked up yet: what comes after slot i
TARGET_UNKNOWN, TARGET_END, TARGET_UNSURE, TARGET_SLOT = -1, -2, -3, -16
# E_SHADOW: SHADOW_NONE: does not capture; SHADOW_CALL: a call that captures; else the edge, itself at the end of
# its rule, that stands for the terminal of an edge that captures: as if that were a rule of its own
SHADOW_NONE, SHADOW_CALL = -1, -2
SHADOW_NEW = -3  # only in rows that nodes are made of: the edge that stands for the terminal is to be made
# Stack cells. A cell in which a text is being read appears in items as a *view* of it, with the tape of the text:
# C_OPEN: a text is being read; C_TAPE: of views, else 0; C_BASE: the cell without the tape, which frames refer to;
# C_LOOPS: 0, or its stacks may be of any height (see runtime/endless.py): LOOP, where its own frames may lead back to
# it, and it is not found by them; 1, where only a cell below is such a one
LOOP = 2
C_FIRST, C_N, C_LEAST, C_OPEN, C_TAPE, C_BASE, C_LOOPS = 0, 1, 2, 3, 4, 5, 6
# Frames; edge -1: the bottom, where the text may end. F_OFFSET: where on the tape the text of an edge that captures
# begins, -1 for other edges
F_EDGE, F_PARENT, F_OFFSET = 0, 1, 2
WHOLE = -2  # in place of the edge of a frame: all frames of a cell
# Tapes: the text since the first capture of a stack began, a trie. Tape 0 is none, EMPTY has no bytes yet, and BLANK
# stands for any text at all, where masks need not know it
P_PARENT, P_BYTE, P_LENGTH = 0, 1, 2
EMPTY, BLANK = 1, 2
I_Q, I_EDGE, I_CELL = 0, 1, 2  # items
K_FIRST, K_N, K_ACCEPT, K_MIN, K_WORST = 0, 1, 2, 3, 4  # configurations; K_WORST: -1 until its mask was made
K_COLS = 5

# Records and their members, see ir/network.py. Rows of edges named here are such as members copy.
R_SLOTS, R_N = 0, 1  # rows of slots: those that can be filled, then those of further edges; how many of the first
R_NAMES = 2  # rows of edges that begin slots, one for each
R_OWN, R_NOWN = 3, 4  # rows of further edges
R_SPARE = 5  # least bytes after BETWEEN and one of these to the end; FAR: there is none
R_BETWEEN = 6  # the row of the edge to the names; that of the end is next
R_LEAD, R_CLOSE = 7, 8  # least bytes of these two
# the record after one more name of a further edge, whichever; -1: there is none, it is not known what is sure then
R_BLURRED = 9
BLURRED_UNKNOWN = -2  # not asked for yet
RECORD_COLS = 10
SLOT_COST, SLOT_REQUIRED = 0, 1  # least bytes of a filled slot with BETWEEN
SLOT_FIRST, SLOT_SIZE = 2, 3  # rows of the edges behind its name; -1: not known yet
SLOT_CHEAP = 4  # in row k, the slot that is the k-th cheapest of those not required; -1: there is none
SLOT_COLS = 5
S_RECORD, S_OWED, S_CHAIN, S_BITS = 0, 1, 2, 4  # sets of slots filled; S_CHAIN: 1 + the next of the same hash
MOST_SLOTS = 256
S_COLS = S_BITS + MOST_SLOTS // 64
# places of members: between slots, before a name, behind it, and behind a name whose text is not known
BETWEEN, NAMES, VALUES, OUTLINE = 0, 1, 2, 3

M_NODES, M_EDGES, M_CELLS, M_FRAMES, M_ITEMS, M_CONFIGS, M_NEXT, M_AFTER, M_WORK, M_TAPES, M_EXACT = range(11)
M_RECORDS, M_SLOTS, M_SETS = 11, 12, 13
M_FOLDS, M_EXITS, M_GROUPS = 14, 15, 16
# folds (see folds.py): the row of tokens as Q_INNER, -1: none; the remainders that leave the rule, as Q_REST, and 1 if
# the fold's own is one of them besides; the remainders whose tokens must be walked with their text; a bound on the
# least bytes to the end of the rule after a token, -1: none
F_INNER, F_EXIT, F_SELF, F_EXACT, F_WORST = 0, 1, 2, 3, 4
F_EPOCH = 5  # T_EPOCH when it was made
F_FIRST, F_N, F_COLS = 6, 7, 8  # of groups of items: their place and number in groups
MACHINE_ARENAS = (
    ("nodes", "nodebytes"),
    ("edges",),
    ("cells", "cellhash"),
    ("frames",),
    ("items",),
    ("configs", "configbytes", "confighash"),
    ("next",),
    ("after",),
    ("work", "work2", "seen", "calls", "stack"),
    ("tapes",),
    ("exact",),
    ("records",),
    ("slots",),
    ("sets",),
    ("folds",),
    ("exits",),
    ("groups",),
)
# where an interrupted mask goes on: the item, the bound so far, and 1 + the place in exact, or 0
RESUME, RESUME_WORST, RESUME_EXACT = 37, 38, 39
ASK_WHAT, ASK_ARG, ASK_MORE = 19, 20, 21
# Machine.next holds several maps; these keep their keys apart
KEY_TAPE = 1 << 61  # tape << 8 | byte -> tape
KEY_VIEW = 1 << 62  # cell << 32 | tape -> view
KEY_UNION = KEY_TAPE + KEY_VIEW  # cell << 32 | cell -> their union
KEY_MEMBER = -(1 << 40)  # these in Machine.after
KEY_SET = -(1 << 41)
CAPTURES = 22  # 1: some edge captures
CLOSURES = 23  # how many closures were begun: what lies in seen from earlier ones does not count
CALLS = 24  # how many rows of calls are taken
FOLDS = 25  # 1: masks are made by folds
FOUND_SEEN = 26  # where in seen the last entry was found or put
# The fold that is being put together: how many rows (more than one: their union is in foldrow) and the first one; how
# many remainders leave the rule (in exits) and are unsure (from its middle on), and F_SELF; F_WORST; the nodes of the
# rule that the remainder stands at itself (in calls); how many folds wait to be made (in stack: remainder, node)
NOW_ROWS, NOW_ROW, NOW_EXITS, NOW_UNSURE, NOW_SELF, NOW_WORST, NOW_NODES, NOW_STACK = range(27, 35)
NOW_UP, NOW_HEAP = 35, 36  # of a mask by folds (see groups.py): how many entries, and how many of these on the heap
USED = 40


class Machine(NamedTuple):
    """Everything that depends on the grammar."""

    used: Array  # int64[USED]
    nodes: Array  # int32[*, N_COLS]
    edges: Array  # int32[*, E_COLS]
    cells: Array  # int32[*, 7]
    cellhash: Array  # int32[power of 2]: id + 1, 0 is free
    frames: Array  # int32[*, 3]: sorted by edge and offset within a cell
    items: Array  # int32[*, 3]: sorted within a configuration, one cell for each (state, edge, tape)
    configs: Array  # int32[*, K_COLS]
    configbytes: Array  # uint64[*, 4]: bytes that may come next
    confighash: Array  # int32[power of 2]: id + 1, 0 is free
    next: Array  # int64[power of 2, 2]: key + 1 -> value: configuration << 8 | byte -> configuration, and see KEY_
    after: Array  # int64[power of 2, 3]: (edge << 32 | cell) + 1, ban * 2 + blank -> configuration after its end;
    #     (edge << 32 | tape) + 1, -1 - offset -> node that the edge leads to after this text;
    #     (set << 32 | slot) + 1, KEY_MEMBER - place -> node; (record << 32 | hash) + 1, KEY_SET -> first set of a chain
    #     see folds.py and groups.py for more
    work: Array  # int32[*, 3]: scratch of step
    work2: Array  # int32[*, 3]: scratch of closures
    seen: Array  # int64[power of 2, 4]: scratch of closures: entry, ban; head of the chain of this hash, next in chain
    calls: Array  # int64[*, 4]: scratch of closures: a heap of TOP - rank and node, ban and tape, frame;
    #     from the end down: the frames of a cell to be made
    stack: Array  # int64[*, 2]: scratch of masks
    tapes: Array  # int32[*, 3]
    exact: Array  # int32[*]: trie nodes at and below which a mask must know the text
    records: Array  # int32[*, RECORD_COLS]
    slots: Array  # int32[*, SLOT_COLS]
    sets: Array  # int64[*, S_COLS]
    folds: Array  # int32[*, F_COLS]
    exits: Array  # int64[*]: scratch of folds: remainders
    groups: Array  # int32[*, 2]: state and edge of items
    foldrow: Array  # int32[W]: scratch of folds
    nodebytes: Array  # uint64[*, 4]: where FOLDS is 1: no fewer than the bytes that may come first in a node


#: The fields of Machine, in their order.
MACHINE_FIELDS = {
    "used": Field("int64"), "nodes": Field("int32", N_COLS), "edges": Field("int32", E_COLS),
    "cells": Field("int32", 7), "cellhash": Field("int32"), "frames": Field("int32", 3), "items": Field("int32", 3),
    "configs": Field("int32", K_COLS), "configbytes": Field("uint64", 4), "confighash": Field("int32"),
    "next": Field("int64", 2), "after": Field("int64", 3), "work": Field("int32", 3), "work2": Field("int32", 3),
    "seen": Field("int64", 4), "calls": Field("int64", 4), "stack": Field("int64", 2), "tapes": Field("int32", 3),
    "exact": Field("int32"), "records": Field("int32", RECORD_COLS), "slots": Field("int32", SLOT_COLS),
    "sets": Field("int64", S_COLS), "folds": Field("int32", F_COLS), "exits": Field("int64"),
    "groups": Field("int32", 2), "foldrow": Field("int32"), "nodebytes": Field("uint64", 4),
}  # fmt: skip
