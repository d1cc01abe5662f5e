"""``structgen explain``: what may come next after a text, and why a token may not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import structgen as sg
from structgen import bits
from structgen.cli.console import NO, given_text, reported
from structgen.cli.constraints import Asked, VocabOption, constrained
from structgen.cli.position import byte_ranges, expectations, follow, one_byte, report
from structgen.cli.vocabularies import vocabulary
from structgen.errors import InputError
from structgen.source.special import unmarked

#: How many allowed tokens are shown.
_EXAMPLES = 24


@reported
@constrained
def explain(
    asked: Asked,
    text: Annotated[str | None, typer.Argument(help="The text so far; default: standard input.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Read the text from a file.")] = None,
    token: Annotated[str | None, typer.Option(help="Why is (or is not) a token with this text allowed?")] = None,
    token_id: Annotated[int | None, typer.Option(help="The same for a token of --vocab by its id.")] = None,
    vocab: VocabOption = "bytes",
) -> None:
    """After this text, what is expected, from which place in the schema, and which tokens are allowed?

    Exit code 1 where the text itself does not fit; the output then says where it breaks.
    """
    wanted = asked.constraint
    data = given_text(text, file)
    words = vocabulary(vocab)
    grammar = sg.compile(wanted, words)
    place = follow(grammar, data)
    if place.offset < len(data):
        typer.echo(report(grammar, place))
        raise typer.Exit(NO)
    typer.echo(f"at {place}")
    typer.echo(place.pointed())
    typer.echo("expected here:")
    for line in expectations(grammar, place.state):
        typer.echo("  " + line)
    _outlook(grammar, place.state)
    if token is not None or token_id is not None:
        _token(grammar, place.state, token, token_id)


def _outlook(grammar: sg.CompiledGrammar, state: int) -> None:
    """Forced text, the shortest way to the end, and the tokens allowed."""
    forced = grammar.forced_bytes(state)
    if forced:
        typer.echo(f"the text can only go on with {forced.decode('utf-8', 'replace')!r}")
    tokens_left = grammar.min_tokens_left(state)
    if tokens_left:
        typer.echo(f"at least {grammar.min_bytes_left(state)} bytes, {tokens_left} tokens to the end")
    allowed = [int(i) for i in bits.ids(grammar.mask(state)) if i < grammar.vocab.size]
    ends = set(grammar.vocab.eos_token_ids)
    texts = [grammar.texts[i] or b"" for i in allowed if i not in ends]
    typer.echo(f"{len(texts):,} of {grammar.vocab.size:,} tokens allowed" + (_shown(texts) and f": {_shown(texts)}"))


def _shown(texts: list[bytes]) -> str:
    """Some of the texts; single bytes as ranges."""
    if texts and all(len(text) == 1 for text in texts):
        return byte_ranges(sorted({text[0] for text in texts}))
    shown = ", ".join(repr(text.decode("utf-8", "backslashreplace")) for text in texts[:_EXAMPLES])
    return shown + (", ..." if len(texts) > _EXAMPLES else "")


def _token(grammar: sg.CompiledGrammar, state: int, token: str | None, token_id: int | None) -> None:
    """Say of one token whether it is allowed, and if not, which of its bytes is the first that is not."""
    if token is not None and token_id is not None:
        raise InputError("both --token and --token-id were given", hint="Give one of them")
    vocab = grammar.vocab
    if token_id is not None:
        if not 0 <= token_id < vocab.size:
            raise InputError(f"no token {token_id}: the vocabulary has {vocab.size} ids", where="--token-id")
        if token_id in vocab.eos_token_ids:
            allowed = grammar.accepts(state)
            typer.echo(f"token {token_id} ends the text: " + ("allowed" if allowed else "refused, it is not complete"))
            return
        data = grammar.spelled.tokens[token_id] if token_id < len(grammar.spelled.tokens) else None
        if not data:
            typer.echo(f"token {token_id} has no text (special or unused): never allowed")
            return
        name = f"token {token_id} {unmarked(data).decode('utf-8', 'backslashreplace')!r}"
    else:
        data = (token or "").encode("utf-8", errors="surrogateescape")
        ids = [i for i, known in enumerate(vocab.tokens) if known == data]
        name = f"{token!r}" + (f" (token {', '.join(map(str, ids))})" if ids else " (not one token)")
    reached, at = 0, state
    while reached < len(data):
        following = grammar.advance_bytes(at, data[reached : reached + 1])
        if following < 0:
            break
        reached, at = reached + 1, following
    if reached == len(data):
        typer.echo(f"{name}: allowed")
        return
    fits = f"{data[:reached].decode('utf-8', 'backslashreplace')!r} fits, then " if reached else ""
    typer.echo(f"{name}: refused at its byte {reached} of {len(data)}: {fits}{one_byte(data[reached])} does not")
    if reached:
        typer.echo("expected there:")
        for line in expectations(grammar, at):
            typer.echo("  " + line)
