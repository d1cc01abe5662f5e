"""The judges of the studies' tasks, and that the tasks' own answers are answers."""

import re
from itertools import product

import pytest

import structgen as sg
from structgen.studies import tasks
from structgen.studies.tasks import arithmetic, logic, query
from structgen.testing import byte_vocabulary


@pytest.mark.parametrize("name", tasks.NAMES)
def test_what_a_task_shows_is_an_answer(name):
    task = tasks.load(name)
    grammar = sg.compile(task.constraint, byte_vocabulary())
    predicate = task.predicate() if task.predicate is not None else sg.Predicate()
    answers = [answer for _, answer in task.examples] + [question.reference for question in task.questions]
    for answer in answers:
        state = grammar.advance_bytes(grammar.start, answer.encode())
        assert state >= 0 and grammar.accepts(state)
        assert predicate([answer.encode()], True) == [True]
        assert all(predicate([answer[:i].encode() for i in range(len(answer) + 1)], False))
    assert all(task.correct(question.reference, question.reference) for question in task.questions)
    references = {question.reference for question in task.questions}
    assert [task.correct(a, b) for a in references for b in references].count(True) == len(references)


def test_terms_are_compared_as_functions():
    assert arithmetic.values("(ite (> x y) x y)") == arithmetic.values("(ite (<= x y) y x)")
    assert arithmetic.values("(- x 1)") != arithmetic.values("(+ x 1)")
    assert arithmetic.values("(ite (and (< x 0) (or (= y 0) (>= y 1))) (+ x x) 1)")[0] == 1


def test_sentences_are_compared_as_truths_over_all_small_worlds():
    sentences = [
        "all x (Cat(x) -> Dog(x))", "all x (-Cat(x) | Dog(x))", "exists x (Cat(x) & Dog(x))",
        "all x (-Dog(x) -> -Cat(x))",
        "exists x (-Cat(x) | Dog(x))", "all x (Cat(x) -> Cat(x))", "exists x (Cat(x) | -Cat(x))", "all x (Cat(x))",
        "all x (-(Cat(x) & -Dog(x)))", "exists x (Cat(x) & -Cat(x))", "all x (Dog(x) & -Dog(x))", "exists x (--Cat(x))",
    ]  # fmt: skip

    def holds(sentence, world):
        found = [eval(formula(sentence), {"Cat": kind[0], "Dog": kind[1]}) for kind in world]
        return all(found) if sentence.startswith("all") else any(found)

    def formula(sentence):
        text = sentence.partition(" x ")[2].replace("(x)", "").replace("&", " and ").replace("|", " or ")
        text = re.sub(r"\(([^()]*) -> (.*)\)", r"(not (\1) or (\2))", text)
        return text.replace("--", "").replace("-", " not ")

    kinds = list(product((False, True), repeat=2))
    worlds = [world for size in (1, 2, 3) for world in product(kinds, repeat=size)]
    for a in sentences:
        for b in sentences:
            same = all(holds(a, world) == holds(b, world) for world in worlds)
            assert (logic.meaning(a) == logic.meaning(b)) == same, (a, b)


def test_no_beginning_of_a_molecule_is_refused():
    chemistry = pytest.importorskip("rdkit.Chem")
    from structgen.studies.tasks.molecule import valences_fit

    tasks.load("molecule")  # silences RDKit
    grammar = sg.compile(tasks.grammar("molecule"), byte_vocabulary())
    texts, found, refused = [("", grammar.start)], 0, 0
    for _ in range(5):
        grown = []
        for text, state in texts:
            for byte in grammar.next_bytes(state):
                if chr(byte) in "2FN":  # fewer of them, to go deeper
                    continue
                grown.append((text + chr(byte), grammar.advance_bytes(state, bytes([byte]))))
        texts = grown
        for text, state in texts:
            if grammar.accepts(state) and chemistry.MolFromSmiles(text) is not None:
                found += 1
                assert all(valences_fit(chemistry, text[:i]) for i in range(len(text) + 1)), text
            refused += not valences_fit(chemistry, text)
    assert found > 100
    assert refused > 100


def test_queries_are_stopped_where_no_table_has_their_names():
    database = query.Database()
    assert database.may_work("SELECT na")
    assert database.may_work("SELECT name FROM customers WHERE city = 'Osl")
    assert not database.may_work("SELECT wage")
    assert not database.may_work("SELECT nam FROM")
    assert database.may_work("SELECT price FROM cust")
    assert not database.may_work("SELECT price FROM customers ")
    assert not database.works("SELECT name FROM customers WHERE city = 'Bonn'")
    assert not database.works("SELECT MAX(age) FROM customers WHERE city = 'Bonn'")
    assert database.rows("SELECT nothing FROM customers") is None
