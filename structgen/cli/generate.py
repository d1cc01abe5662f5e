"""``structgen generate``: one text, or a file of prompts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import to_jsonable_python

import structgen as sg
from structgen.cli.batch import Job, read_jobs, run
from structgen.cli.console import NO, reported
from structgen.cli.constraints import Asked, constrained
from structgen.errors import InputError, ModelError

_SAMPLING = "Sampling"


@reported
@constrained
def generate(
    asked: Asked,
    prompt: Annotated[str | None, typer.Argument(help="The prompt; default: standard input.")] = None,
    jsonl: Annotated[Path | None, typer.Option(help="Prompts, a JSON object a line, instead of one prompt.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --jsonl: the results, a JSON object a line.")] = None,
    retry: Annotated[bool, typer.Option("--retry", help="With --jsonl: try rows that failed before again.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="With --jsonl: rows at a time; see above.")] = 1,
    max_tokens: Annotated[int, typer.Option(min=1, help="The text is complete within so many tokens.")] = 256,
    seed: Annotated[int, typer.Option(min=0, rich_help_panel=_SAMPLING)] = 0,
    temperature: Annotated[float, typer.Option(help="0: always the likeliest.", rich_help_panel=_SAMPLING)] = 0.0,
    top_k: Annotated[int | None, typer.Option(rich_help_panel=_SAMPLING)] = None,
    top_p: Annotated[float | None, typer.Option(rich_help_panel=_SAMPLING)] = None,
    min_p: Annotated[float | None, typer.Option(rich_help_panel=_SAMPLING)] = None,
    llm: Annotated[Path | None, typer.Option(help="A folder with a transformers model; default: SmolLM2.")] = None,
) -> None:
    """Generate a text that satisfies a constraint, or one for each row of a file.

    A row of --jsonl is {"prompt": ..., "id": ..., "max_tokens": ..., "schema" or "regex" or "choices": ...}; all
    but the prompt may be left out. A row of --out is {"id": ..., "output": ...} or {"id": ..., "error": ...}.
    Rows that --out already has are not generated again, so a run that was stopped goes on where it was.

    With --batch above 1 rows go through the model together, which is faster; where two tokens are nearly equally
    likely, a text may then depend on its neighbours. With --batch 1 the seed and the line number alone decide.
    """
    common = None
    if jsonl is None or asked.is_given:
        common = asked.constraint
    sampler = sg.sampling.Masked(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    if jsonl is None:
        if out is not None:
            raise InputError("--out goes with --jsonl", hint="One text is written to standard output")
        words = _prompt(prompt)
        value = open_generator(llm)(words, common, max_tokens=max_tokens, sampler=sampler, seed=seed)
        typer.echo(value if isinstance(value, str) else json.dumps(to_jsonable_python(value), ensure_ascii=False))
        return
    if out is None or prompt is not None:
        raise InputError("--jsonl needs --out, a file for the results, and takes no prompt")
    jobs = read_jobs(jsonl, common, max_tokens)

    def make(rows: list[Job]) -> list[Any]:
        return list(
            generator.batch(
                [job.prompt for job in rows],
                [job.constraint for job in rows],
                max_tokens=[job.max_tokens for job in rows],
                sampler=sampler,
                seed=[(seed, job.number) for job in rows],
                on_error="return",
                batch_size=batch,
            )
        )

    generator = open_generator(llm)
    failed = run(jobs, make, out, size=batch, retry=retry)
    if failed:
        raise typer.Exit(NO)


def _prompt(prompt: str | None) -> str:
    if prompt is not None:
        return prompt
    if sys.stdin.isatty():
        raise InputError("no prompt was given", hint="Give it as an argument or on standard input")
    return sys.stdin.read().removesuffix("\n")


def open_generator(folder: Path | None) -> sg.Generator:
    """The embedded model, or the one in a folder. Raises ModelError where it cannot be loaded."""
    if folder is None:
        return sg.Generator.default()
    if not folder.is_dir():
        raise InputError("no such folder", where=str(folder))
    try:
        import transformers
    except ImportError as error:
        raise ModelError("running a model needs transformers", hint='pip install "structgen[hf]"') from error
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        network = transformers.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"not a model: {str(error).strip().splitlines()[0]}", where=str(folder)) from error
    return sg.Generator(network.eval(), tokenizer)
