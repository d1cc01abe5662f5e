"""Second judges: parsers of the languages that know nothing of our grammars. None where no such parser is installed."""

from __future__ import annotations

import ast
import atexit
import json
import re
import shutil
import sqlite3
import subprocess
import warnings
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from xml.parsers import expat

Judge = Callable[[str], bool]


def _json(text: str) -> bool:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


def _jsonlines(text: str) -> bool:
    lines = re.split(r"\r?\n", text)
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    return all(map(_json, lines))


def _python(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in string literals
        try:
            ast.parse(text)
        except (SyntaxError, ValueError):
            return False
    return True


def _sql(text: str) -> bool:
    """SQLite's parser; names that it cannot find are no errors of syntax."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(f"EXPLAIN {text}")
    except sqlite3.Error as error:
        return not re.search(r"syntax error|incomplete input|unrecognized token|one statement at a time", str(error))
    except sqlite3.Warning:  # more than one statement
        return False
    finally:
        connection.close()
    return True


def _xml(text: str) -> bool:
    try:
        expat.ParserCreate().Parse(text.encode(), True)
    except (expat.ExpatError, LookupError):  # an encoding that does not exist
        return False
    return True


def _toml(text: str) -> bool:
    import tomllib

    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _regex(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            re.compile(text)
        except (re.error, OverflowError):
            return False
    return True


def _tree_sitter(language: str) -> Judge:
    tree_sitter: Any = import_module("tree_sitter")
    grammar: Any = import_module(f"tree_sitter_{language}")
    reader = tree_sitter.Parser(tree_sitter.Language(grammar.language()))

    def judge(text: str) -> bool:
        return not reader.parse(text.encode()).root_node.has_error

    return judge


_NODE = """
const vm = require("vm");
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const text = JSON.parse(line);
  const reads = [() => new vm.Script(text), () => new vm.SourceTextModule(text)];
  console.log(reads.some((read) => { try { read(); return true; } catch { return false; } }));
});
"""


def _javascript() -> Judge:
    """Node, as a script or as a module; its parser is stricter than tree-sitter's."""
    command = ["node", "--no-warnings", "--experimental-vm-modules", "-e", _NODE]
    node = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(node.kill)
    assert node.stdin is not None and node.stdout is not None
    questions, answers = node.stdin, node.stdout

    def asks(text: str) -> bool:
        questions.write(json.dumps(text) + "\n")
        questions.flush()
        return answers.readline() == "true\n"

    return asks


def _sparql(text: str) -> bool:
    pyoxigraph: Any = import_module("pyoxigraph")
    try:
        pyoxigraph.Store().query(text)
    except SyntaxError:
        return False
    return True


def _smiles(text: str) -> bool:
    chem: Any = import_module("rdkit.Chem")
    import_module("rdkit.RDLogger").DisableLog("rdApp.*")
    return chem.MolFromSmiles(text, sanitize=False) is not None


_JUDGES: dict[str, tuple[tuple[str, ...], Callable[[], Judge]]] = {
    "json": ((), lambda: _json),
    "jsonlines": ((), lambda: _jsonlines),
    "python": ((), lambda: _python),
    "sql": ((), lambda: _sql),
    "xml": ((), lambda: _xml),
    "toml": (("tomllib",), lambda: _toml),
    "regex": ((), lambda: _regex),
    "c": (("tree_sitter", "tree_sitter_c"), lambda: _tree_sitter("c")),
    "cpp": (("tree_sitter", "tree_sitter_cpp"), lambda: _tree_sitter("cpp")),
    "go": (("tree_sitter", "tree_sitter_go"), lambda: _tree_sitter("go")),
    "javascript": (("node",), _javascript),
    "sparql": (("pyoxigraph",), lambda: _sparql),
    "smiles": (("rdkit",), lambda: _smiles),
}


def has_judge(name: str) -> bool:
    """Is there a second judge for the language, installed or not?"""
    return name in _JUDGES


def missing(name: str) -> str | None:
    """The package or program that the judge lacks here, or None."""
    return next((p for p in _JUDGES[name][0] if find_spec(p) is None and shutil.which(p) is None), None)


@cache
def judge(name: str) -> Judge:
    """The second judge of a language."""
    return _JUDGES[name][1]()
