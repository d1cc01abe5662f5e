"""JSON with enumerations whose values begin like likelier ones: masks lead into them, the model would not go there."""

from __future__ import annotations

import json
from importlib.resources import files

from structgen.source import JsonSchema
from structgen.studies.tasks import Question, Task


def task() -> Task:
    """The task."""
    schema = json.loads(files("structgen.schemas").joinpath("studies", "ticket.json").read_text(encoding="utf-8"))
    done = '{"status": "resolved by hand", "priority": "low"}'
    return Task(
        name="ticket",
        constraint=JsonSchema(schema, whitespace=" ?"),  # blanks as the model writes them
        instruction="Give the status and the priority of the ticket as JSON.",
        examples=(
            ("Nothing works and we lose money every minute!", '{"status": "new", "priority": "urgent"}'),
            ("Thanks, the colour of the button is right now.", done),
        ),
        questions=(
            Question("The printer has a paper jam, it came up just now.", '{"status": "new", "priority": "low"}'),
            Question("Our whole shop is down since this morning, help!", '{"status": "new", "priority": "urgent"}'),
            Question("You sent the invoice again, that is settled.", done),
        ),
        max_tokens=32,
        correct=lambda text, reference: bool(json.loads(text) == json.loads(reference)),
    )
