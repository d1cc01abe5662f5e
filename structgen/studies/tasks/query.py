"""SQL from questions, executed by SQLite on a small database: an answer is right where it finds the same rows."""

from __future__ import annotations

import re
import sqlite3
from importlib.resources import files
from typing import Any

from structgen.sampling import Predicate
from structgen.studies.tasks import Question, Task, grammar

_QUOTED = re.compile(r"'[^']*'?")
_NAME = re.compile(r"[a-z_]+")
_FROM = re.compile(r"(SELECT .* FROM [a-z_]+) ")


def task() -> Task:
    """The task. The database is made in memory from ``data/shop.sql``."""
    database = Database()
    return Task(
        name="query",
        constraint=grammar("query"),
        instruction="Answer with a SQL query over customers(id, name, city, age) "
        "and orders(id, customer, item, price).",
        examples=(
            ("Which items are cheaper than 50?", "SELECT item FROM orders WHERE price < 50"),
            ("How many customers are there?", "SELECT COUNT(*) FROM customers"),
            ("Where does Emma live?", "SELECT city FROM customers WHERE name = 'Emma'"),
        ),
        questions=(
            Question("How old is David?", "SELECT age FROM customers WHERE name = 'David'"),
            Question("How many orders are there?", "SELECT COUNT(*) FROM orders"),
            Question("Who lives in Oslo?", "SELECT name FROM customers WHERE city = 'Oslo'"),
        ),
        max_tokens=20,
        correct=lambda text, reference: database.rows(text) == database.rows(reference),
        predicate=lambda: Predicate(database.may_work, database.works),
    )


class Database:
    """The database of the task, read-only to its users: the grammar writes SELECT and nothing else."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", check_same_thread=False)
        script = files("structgen.studies").joinpath("data", "shop.sql").read_text(encoding="utf-8")
        self.connection.executescript(script)
        tables = [row[0] for row in self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = [row[1] for table in tables for row in self.connection.execute(f"PRAGMA table_info({table})")]
        self.names = {*tables, *columns}

    def rows(self, query: str) -> list[tuple[Any, ...]] | None:
        """What a query finds; None where SQLite refuses it."""
        try:
            return self.connection.execute(query).fetchall()
        except sqlite3.Error:
            return None

    def works(self, query: str) -> bool:
        """Does a query run, and find something?"""
        rows = self.rows(query)
        return bool(rows) and any(value is not None for row in rows or [] for value in row)

    def may_work(self, prefix: str) -> bool:
        """Can the beginning of a query still become one that runs?"""
        plain = _QUOTED.sub("", prefix)
        for found in _NAME.finditer(plain):
            word = found[0]
            if found.end() < len(plain):
                if word not in self.names:
                    return False
            elif not any(name.startswith(word) for name in self.names):
                return False
        head = _FROM.match(plain)
        return head is None or self.rows(f"EXPLAIN {head[1]}") is not None
