"""The two arrays of the recogniser, both int64[*]: what stands where. Numbers only, no code.

``T`` is made once for a grammar. ``R`` is the work space of one canvas. Everything in them is found by its place: a
cell, an edge, a set of widths is the number of the place in ``R`` where its row begins. (Two arrays and no more,
since a call in compiled code costs time for each array that it is given.)
"""

from __future__ import annotations

#: Kinds of edges, and of what stands on them.
TERMINAL, CALL, EQUAL, DEEPER = 0, 1, 2, 3
#: The label of an edge behind which the rule ends.
END = -1
#: In place of a set of widths: there is none to be known. The set without a width.
NO_SET, EMPTY = -1, 0

# T, for n nodes, m edges, t terminals (margins are some), q states of these, c classes of bytes, b states of bans
# where each part begins:
ACCEPT = 0  # [n]: may the rule end here?
FIRST = 1  # [n + 1]: its edges, as places
NEED = 2  # [n]: how many blocks inside each other it takes to end the rule, at least
CARRY = 3  # [n]: can a margin of the block be met from here on in this rule?
CAN = 4  # [c + 2, n / 32]: bit n % 32 of word n // 32: may this class come next at node n, in its rule or behind it?
# Behind the classes there stand the end of the text, and what is not known
DELTA = 5  # [q, c]: the next state, or -1
STARTS = 6  # [t + 1]: the first state of each terminal, its start; the others follow
STATES = 7  # [q, 3]: the terminal; 0 it may not end here, 1 it may, 2 under a ban; that ban's start
SORT = 8  # [t]: TERMINAL, EQUAL or DEEPER
BANS = 9  # [b, c]: the next state, 0 the ban is over, -1 it forbids the byte. Row 0 is no ban
ON = 10  # [t + 1]: the edges of each terminal, as places
COLUMNS = 11  # [c]: the width of blanks, 0 for all other bytes
# and numbers:
NODES, TERMINALS, CLASSES, BAN_STATES = 12, 13, 14, 15
MOST = 16  # the greatest width
START = 17  # the node that the text begins with
WORDS = 18  # words in a row of CAN
BEGINS = 19  # [c + 2, t / 32]: as CAN, for terminals: may this class come where the terminal begins?
BEGIN_WORDS = 20  # words in a row of BEGINS
LEAVES = 21  # [c + 2, n / 32]: as CAN: may this class come behind the rule that node n is in?
PASSES = 22  # [c + 2, t / 32]: as BEGINS: may this class come behind the terminal?
LOOPS = 23  # [q]: is there a byte with which the state stays as it is?
HEADER = 24
#: Rows of edges: kind; terminal or node called; node behind it, or END.
KIND, SYMBOL, TO, EDGE_ROW = 0, 1, 2, 3
#: Rows of edges by terminal: the node that they leave, and where they lead.
FROM, BEHIND, ON_ROW = 0, 1, 2
TERM, ENDS, BAN, STATE_ROW = 0, 1, 2, 3

# R: for each part where it begins, how many rows may be in it, and how many are
CELLS, EDGES, SETS, SET_SLOTS, VIEWS, KEYS, ITEMS, THREADS, NEXT, GROUPS, CONTS, PAIRS, LINKS, MIXED = range(14)
# behind each gap: the cells over which each node can be met, by node; where these begin; scratch
STORED, STORED_FIRST, MARKS = 14, 15, 16
SEEN = 17  # for each state of terminals the last thread that came to it
PARTS = 18
AT, ROOM, USED = 0, PARTS, 2 * PARTS
NOW = 3 * PARTS  # the stamp of what is known now
ENDED = NOW + 1  # 1: the text may end here
FULL = NOW + 2  # 1: a part was too small
UNSURE = NOW + 3  # 1: a token under way when a gap begins may be unable to end, and this is not worked out
ROOT = NOW + 4  # the cell below which there is none
SIZE = NOW + 5  # how many rows of KEYS are used as a table: the first SMALL, or all others
BEGIN = NOW + 6
SMALL = 1 << 11

#: Stack cells, each a rule under way: the widths that its block may have, or NO_SET; its first edge, or -1; for a cell
#: narrowed to fewer widths the one it was made of, else -1; the first cell narrowed from this one, or -1; the next of
#: these; for a narrowed cell, does it have its edges yet? when it was popped last; the gap that made it, or -1; the
#: node that its rule begins with.
WIDTHS, EDGE, BASE, NARROW, SIBLING, MADE, POPPED, GAP, RULE = range(9)
#: Edges of cells: node to go on at, or END; the cell below; how their widths go together; the next edge, or -1.
LABEL, BELOW, HOW, OTHER = range(4)
FREE, SAME, WIDER = 0, 1, 2
#: Sets of widths: bits in four words, the least, the greatest.
BITS = 62
LOW, HIGH = 4, 5
#: Threads, terminals under way: state, ban, the columns that a margin may have read, group.
STATE, UNDER, READ, GROUP = range(4)
#: Groups, where a terminal leads to: the first of their ways on, or -1; the gap that all ways are in, or -1.
WAY, IN_GAP = 0, 1
#: Ways on: label, cell, the next one. Pairs: node, cell. Links, met in a gap: CALL or DEEPER (a block
#: begins), the node called or begun with, label, cell.

#: Keys that say that a node is met above a cell in a gap.
PAIR = 7 << 59
#: Parts of MARKS, each with a number for each node: the widths it is met with in rules called in the gap, or -1; the
#: same for its calls and for blocks that begin with it; and the cells of these two.
MET, CALLED, BEGUN, CALLEE, BLOCK = range(5)

#: Words in a row of each part.
ROWS = (9, 4, 6, 1, 2, 4, 3, 4, 4, 2, 3, 2, 4, 4, 1, 1, 1, 1)
