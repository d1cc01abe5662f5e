"""The reference for the compiled kernels: the same functions in plain Python, as close to their definitions as can be.

Same arguments and results; numbering is by order of discovery in both, so results compare array by array.
Work limits are left out: only ``max_states`` is kept.
"""

from __future__ import annotations

import numpy as np


def equal_columns(table):
    """For each column, the number of its content; contents are numbered as they first appear."""
    known = {}
    return np.array([known.setdefault(tuple(column), len(known)) for column in table.T.tolist()], np.int32)


def canonical(delta, accept):
    """The minimal trimmed automaton, numbered breadth first, with equal columns merged (Moore's algorithm)."""
    rows = delta.tolist()
    width = delta.shape[1]
    # live: can reach an accepting state
    live = {s for s in range(len(rows)) if accept[s]}
    while True:
        more = {s for s, row in enumerate(rows) if s not in live and any(t in live for t in row)}
        if not more:
            break
        live |= more
    if 0 not in live:
        return np.full((1, 1), -1, np.int32), np.zeros(1, np.bool_), np.zeros(width, np.int32)
    rows = [[t if t in live else -1 for t in row] for row in rows]
    block = [int(a) for a in accept]
    while True:
        signature = [(block[s], *(block[t] if t >= 0 else -1 for t in row)) for s, row in enumerate(rows)]
        names = {}
        refined = [names.setdefault(x, len(names)) for x in signature]
        if len(set(refined)) == len(set(block)):
            break
        block = refined
    order = [0]
    number = {block[0]: 0}
    table = []
    for s in order:
        row = []
        for t in rows[s]:
            if t >= 0 and block[t] not in number:
                number[block[t]] = len(number)
                order.append(t)
            row.append(number[block[t]] if t >= 0 else -1)
        table.append(row)
    full = np.array(table, np.int32)
    columns = equal_columns(full)
    first = [columns.tolist().index(c) for c in range(int(columns.max()) + 1)]
    final = np.array([bool(accept[s]) for s in order], np.bool_)
    return np.ascontiguousarray(full[:, first]), final, columns


def relabel(starts, classes, columns):
    """The intervals after class c has become columns[c]: neighbours of equal class are merged."""
    pairs = []
    for start, c in zip(starts.tolist(), classes.tolist()):
        if not pairs or pairs[-1][1] != columns[c]:
            pairs.append((start, int(columns[c])))
    return np.array([a for a, _ in pairs], np.int32), np.array([c for _, c in pairs], np.int32)


def refine(starts_a, classes_a, width_a, starts_b, classes_b, width_b):
    """The common refinement of two partitions: (starts, classes, left, right)."""
    starts = sorted({*starts_a.tolist(), *starts_b.tolist()})
    known = {}
    classes = []
    for at in starts:
        a = int(classes_a[max(i for i, s in enumerate(starts_a.tolist()) if s <= at)])
        b = int(classes_b[max(i for i, s in enumerate(starts_b.tolist()) if s <= at)])
        classes.append(known.setdefault((a, b), len(known)))
    pairs = list(known)
    return (
        np.array(starts, np.int32),
        np.array(classes, np.int32),
        np.array([a for a, _ in pairs], np.int32),
        np.array([b for _, b in pairs], np.int32),
    )


def partition(bounds, lo, hi, first):
    """Classes of symbols that the sets do not tell apart: (classes, set_first, set_class)."""
    n_sets = len(first) - 1
    known = {}
    classes = []
    for at in bounds.tolist():
        inside = tuple(any(lo[i] <= at <= hi[i] for i in range(first[s], first[s + 1])) for s in range(n_sets))
        classes.append(known.setdefault(inside, len(known)))
    lists = [[c for inside, c in known.items() if inside[s]] for s in range(n_sets)]
    set_first = np.array([sum(map(len, lists[:s])) for s in range(n_sets + 1)], np.int32)
    return np.array(classes, np.int32), set_first, np.array([c for x in lists for c in x], np.int32)


def determinize(
    width, edge_first, edge_set, edge_to, eps_first, eps_to, set_first, set_class, final, max_states, max_work
):
    """Subset construction: (status, n, flat table, accept)."""

    def closure(states):
        reached = set(states)
        todo = list(states)
        while todo:
            q = todo.pop()
            for t in eps_to[eps_first[q] : eps_first[q + 1]].tolist():
                if t not in reached:
                    reached.add(t)
                    todo.append(t)
        return frozenset(q for q in reached if final[q] or edge_first[q + 1] > edge_first[q])

    def move(states, c):
        return {
            int(edge_to[e])
            for q in states
            for e in range(edge_first[q], edge_first[q + 1])
            if c in set_class[set_first[edge_set[e]] : set_first[edge_set[e] + 1]]
        }

    order = [closure([0])]
    number = {order[0]: 0}
    table = []
    for states in order:
        for c in range(width):
            targets = move(states, c)
            if not targets:
                table.append(-1)
                continue
            reached = closure(targets)
            if reached not in number:
                if len(order) >= max_states:
                    return 1, len(order), np.array(table, np.int32), np.zeros(len(order), np.bool_)
                number[reached] = len(order)
                order.append(reached)
            table.append(number[reached])
    accept = np.array([any(final[q] for q in states) for states in order], np.bool_)
    return 0, len(order), np.array(table, np.int32), accept


def product(delta_a, accept_a, delta_b, accept_b, left, right, truth, max_states):
    """The reachable product over joint classes: (status, n, flat table, accept)."""

    def dead(p, q):
        return (p < 0 and (not truth & 2 or q < 0)) or (q < 0 and not truth & 4)

    order = [(0, 0)]
    number = {(0, 0): 0}
    table = []
    for p, q in order:
        for a, b in zip(left.tolist(), right.tolist()):
            pair = (int(delta_a[p, a]) if p >= 0 else -1, int(delta_b[q, b]) if q >= 0 else -1)
            if dead(*pair):
                table.append(-1)
                continue
            if pair not in number:
                if len(order) >= max_states:
                    return 1, len(order), np.array(table, np.int32), np.zeros(len(order), np.bool_)
                number[pair] = len(order)
                order.append(pair)
            table.append(number[pair])
    accept = [bool(truth >> (2 * bool(p >= 0 and accept_a[p]) + bool(q >= 0 and accept_b[q])) & 1) for p, q in order]
    return 0, len(order), np.array(table, np.int32), np.array(accept, np.bool_)


def trie(codes, ends, width, max_states):
    """The tree of words given as classes: (n, flat table, accept), n = -1 past max_states."""
    rows = [[-1] * width]
    accept = [False]
    for begin, end in zip(ends.tolist(), ends.tolist()[1:]):
        s = 0
        for c in codes[begin:end].tolist():
            if rows[s][c] < 0:
                rows[s][c] = len(rows)
                rows.append([-1] * width)
                accept.append(False)
            s = rows[s][c]
        accept[s] = True
    n = len(rows) if len(rows) <= max_states else -1
    return n, np.array(rows, np.int32).reshape(-1), np.array(accept, np.bool_)


def distances(delta, accept):
    """Least symbols from each state to an accepting one; 2**30 where there is no way. All must be reachable."""
    far = 1 << 30
    result = [0 if a else far for a in accept]
    for _ in range(len(result)):
        for s, row in enumerate(delta.tolist()):
            result[s] = min([result[s], *(result[t] + 1 for t in row if t >= 0 and result[t] < far)])
    return np.array(result, np.int32)


def expand_tree(delta, accept, child, max_states):
    """Replace each symbol by the strings that a tree spells for its class: (status, n, flat table, accept)."""
    n_old = len(accept)
    width = child.shape[1]
    rows = [[-1] * width for _ in range(n_old)]
    for s in range(n_old):
        todo = [0]
        place = {0: s}
        for v in todo:
            for c, w in enumerate(child[v].tolist()):
                if w >= 0:
                    rows[place[v]][c] = int(delta[s, w])
                elif w > -(1 << 29):
                    if ~w not in place:
                        if len(rows) >= max_states:
                            return 1, len(rows), np.array(rows, np.int32).reshape(-1), accept
                        place[~w] = len(rows)
                        rows.append([-1] * width)
                        todo.append(~w)
                    rows[place[v]][c] = place[~w]
    final = np.zeros(len(rows), np.bool_)
    final[:n_old] = accept
    return 0, len(rows), np.array(rows, np.int32).reshape(-1), final


def sparse_rows(starts, classes, delta, alphabet):
    """The edges of each state as maximal intervals of symbols with one target: (first, lo, hi, to)."""
    ends = [*starts.tolist()[1:], alphabet]
    first = [0]
    edges = []
    for row in delta.tolist():
        symbol_targets = [
            (x, row[c]) for x0, x1, c in zip(starts.tolist(), ends, classes.tolist()) for x in range(x0, x1)
        ]
        previous = -1
        for x, t in symbol_targets:
            if t >= 0:
                if t == previous:
                    edges[-1][1] = x
                else:
                    edges.append([x, x, t])
            previous = t
        first.append(len(edges))
    columns = np.array(edges, np.int32).reshape(-1, 3)
    return np.array(first, np.int32), columns[:, 0].copy(), columns[:, 1].copy(), columns[:, 2].copy()
