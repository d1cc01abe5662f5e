"""``structgen test-grammar``: does a grammar say what its author means? Corpora, laws, and what nobody has tried."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

import structgen as sg
from structgen.cli.console import NO, read_bytes, reported
from structgen.cli.position import follow, report
from structgen.cli.vocabularies import byte_vocabulary, vocabulary
from structgen.errors import InputError, UnsupportedError


@reported
def grammar_command(
    file: Annotated[Path, typer.Argument(help="A Lark grammar.")],
    corpus: Annotated[Path | None, typer.Option(help="A folder of texts that must be accepted.")] = None,
    reject: Annotated[Path | None, typer.Option(help="A folder of texts that must be refused.")] = None,
    start: Annotated[str, typer.Option(help="The start rule.")] = "start",
    lexer: Annotated[str, typer.Option(help="contextual, basic, dynamic or dynamic_complete.")] = "contextual",
    examples: Annotated[int, typer.Option(help="How many texts are drawn for each law.")] = 50,
    vocab: Annotated[str, typer.Option(help="Tokens for the laws of masks, as for `compile`.")] = "bytes",
    shown: Annotated[int, typer.Option(help="How many failures and uncovered parts of a kind are listed.")] = 5,
) -> None:
    """Test a grammar with texts that it should accept or refuse, and with texts drawn from it.

    A file of a folder is one text; a line break at its end may be there or not. Exit code 1: a text was judged
    wrongly, or a law is broken.
    """
    if file.suffix == ".gbnf":
        raise InputError(
            "test-grammar takes grammars in Lark's notation",
            where=str(file),
            hint="structgen.frontends.lark.gbnf_to_lark writes a GBNF grammar so",
        )
    choice = cast('Literal["contextual", "basic", "dynamic", "dynamic_complete"]', lexer)
    source = sg.Lark(file, start=start, lexer=choice)
    grammar = sg.compile(source, byte_vocabulary())
    good, bad = _texts(corpus), _texts(reject)
    wrong = _accepted(grammar, good, shown) + _refused(grammar, bad, shown)
    wrong += _laws(source, vocab, examples)
    if good:
        _coverage(source, [text for _, text in good], shown)
    if wrong:
        raise typer.Exit(NO)


def _texts(folder: Path | None) -> list[tuple[Path, str]]:
    """The files of a folder and its folders, by name. Raises InputError where one is not UTF-8."""
    if folder is None:
        return []
    if not folder.is_dir():
        raise InputError("not a folder", where=str(folder))
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        try:
            found.append((path, read_bytes(path).decode()))
        except UnicodeDecodeError as error:
            raise InputError(f"the file is not UTF-8 at byte {error.start}", where=str(path)) from None
    return found


def _fits(grammar: sg.CompiledGrammar, text: str) -> bool:
    for data in {text.encode(), text.removesuffix("\n").removesuffix("\r").encode()}:
        state = grammar.advance_bytes(grammar.start, data)
        if state >= 0 and grammar.accepts(state):
            return True
    return False


def _accepted(grammar: sg.CompiledGrammar, texts: list[tuple[Path, str]], shown: int) -> int:
    failed = [(path, text) for path, text in texts if not _fits(grammar, text)]
    if texts:
        typer.echo(f"accepted: {len(texts) - len(failed)} of {len(texts)}")
    for path, text in failed[:shown]:
        place = follow(grammar, text.removesuffix("\n").encode())
        typer.echo(f"  {path}\n" + _indented(report(grammar, place).splitlines()))
    _more(len(failed), shown)
    return len(failed)


def _refused(grammar: sg.CompiledGrammar, texts: list[tuple[Path, str]], shown: int) -> int:
    failed = [path for path, text in texts if _fits(grammar, text)]
    if texts:
        typer.echo(f"refused: {len(texts) - len(failed)} of {len(texts)}")
    for path in failed[:shown]:
        typer.echo(f"  {path}: accepted")
    _more(len(failed), shown)
    return len(failed)


def _laws(source: sg.Lark, vocab: str, examples: int) -> int:
    """Draw texts and token sequences, and check the laws on them."""
    try:
        from hypothesis import HealthCheck, given, settings
        from hypothesis import strategies as st

        from structgen import testing
    except ImportError:
        raise InputError("drawing texts needs hypothesis", hint="pip install hypothesis") from None
    tokens = vocabulary(vocab)
    grammar = sg.compile(source, tokens)
    quick = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    few = range(0, tokens.size, max(1, tokens.size // 500))

    @quick
    @given(testing.texts(grammar))
    def members(text: str) -> None:
        testing.check_text(grammar, text)

    @quick
    @given(testing.token_sequences(grammar, most=12))
    def walks(drawn: list[int]) -> None:
        testing.check_tokens(grammar, drawn)
        state = grammar.start
        for token in drawn:
            testing.check_state(grammar, state, few)
            state = grammar.advance(state, token)

    @quick
    @given(st.lists(st.integers(0, 1 << 20), max_size=30), st.integers(0, 10))
    def budgets(choices: list[int], spare: int) -> None:
        testing.check_budget(grammar, choices, spare)

    broken = 0
    for name, law in (("texts", members), ("token sequences", walks), ("budgets", budgets)):
        try:
            law()
            typer.echo(f"laws of {name}: kept in {examples} examples")
        except AssertionError as error:
            broken += 1
            typer.echo(f"laws of {name}: broken: {error}")
    return broken


def _coverage(source: sg.Lark, texts: list[str], shown: int) -> None:
    from structgen import testing

    try:
        found = testing.cover(source, texts)
    except UnsupportedError as error:
        typer.echo(f"coverage: {error}")
        return
    for name, (reached, whole) in found.shares().items():
        typer.echo(f"{name} covered: {reached} of {whole}" + (f" ({100 * reached / whole:.0f}%)" if whole else ""))
        for part in found.missing(shown)[name]:
            typer.echo(f"  never: {part}")
    for text, message in found.unread[:shown]:
        typer.echo(f"Lark itself does not read {text[:40]!r}: {message}")


def _indented(lines: Iterable[str]) -> str:
    return "\n".join("    " + line for line in lines)


def _more(failed: int, shown: int) -> None:
    if failed > shown:
        typer.echo(f"  and {failed - shown} more")
