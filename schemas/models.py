"""Python types to generate: Pydantic models, dataclasses, TypedDicts, enums and unions.

Each one shows something different; ``TYPES`` lists them by name. Bounds are given where a small model would
otherwise write on and on.
"""

from __future__ import annotations

import datetime
import enum
import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from typing_extensions import NotRequired, TypedDict

Name = Annotated[str, Field(min_length=1, max_length=40)]


class Currency(str, enum.Enum):
    """An enum of strings."""

    EUR = "EUR"
    USD = "USD"
    GBP = "GBP"
    JPY = "JPY"


class Landmark(BaseModel):
    """What the demo extracts from a paragraph: strings, numbers with bounds, a closed set."""

    name: Name
    city: Name
    country: Name
    year_completed: int = Field(ge=-3000, le=2100)
    height_in_metres: float = Field(gt=0, le=1000)
    kind: Literal["tower", "bridge", "church", "palace", "other"]


class LineItem(BaseModel):
    """A part of an invoice."""

    description: Name
    quantity: int = Field(ge=1, le=999)
    unit_price: float = Field(ge=0, le=100000)


class Invoice(BaseModel):
    """Nested models, an enum, a pattern, a date, a bounded list."""

    number: str = Field(pattern=r"^INV-[0-9]{4,6}$")
    issued: datetime.date
    currency: Currency
    items: list[LineItem] = Field(min_length=1, max_length=3)
    paid: bool = False


class Tree(BaseModel):
    """Recursion: a node has nodes."""

    label: str = Field(max_length=12)
    children: list[Tree] = Field(default=[], max_length=3)


class Number(BaseModel):
    """A leaf of an expression."""

    kind: Literal["number"]
    value: int = Field(ge=-1000, le=1000)


class Operation(BaseModel):
    """An inner node of an expression."""

    kind: Literal["operation"]
    operator: Literal["+", "-", "*", "/"]
    left: Expression
    right: Expression


Expression = Annotated[Number | Operation, Field(discriminator="kind")]
Operation.model_rebuild()


class Circle(BaseModel):
    """One branch of a union."""

    radius: float = Field(gt=0, le=100)


class Rectangle(BaseModel):
    """The other branch."""

    width: float = Field(gt=0, le=100)
    height: float = Field(gt=0, le=100)


Shapes = Annotated[list[Circle | Rectangle], Field(min_length=1, max_length=3)]


class Review(BaseModel):
    """A closed rating and an optional remark."""

    title: Name
    stars: Literal[1, 2, 3, 4, 5]
    remark: Annotated[str, Field(max_length=80)] | None = None


class Event(BaseModel):
    """Formats: a date with time, a UUID."""

    id: uuid.UUID
    starts: datetime.datetime
    title: Name
    attendees: int = Field(ge=0, le=5000)


class Settings(BaseModel):
    """Mappings: free keys with typed values, and keys from a closed set."""

    flags: dict[Annotated[str, Field(pattern="^[a-z_]{1,12}$")], bool] = Field(max_length=4)
    levels: dict[Literal["low", "high"], int]


@dataclass
class Point:
    """A dataclass with a default."""

    x: float
    y: float
    label: Annotated[str, Field(max_length=10)] = ""


class Film(TypedDict):
    """A TypedDict with an optional key."""

    title: Name
    year: Annotated[int, Field(ge=1888, le=2100)]
    seen: NotRequired[bool]


class Priority(enum.Enum):
    """An enum of numbers."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


class Ticket(BaseModel):
    """A model with an enum of numbers and a tuple."""

    summary: Name
    priority: Priority
    position: tuple[int, int]


#: Types by name.
TYPES: dict[str, Any] = {
    "landmark": Landmark,
    "invoice": Invoice,
    "tree": Tree,
    "expression": Expression,
    "shapes": Shapes,
    "review": Review,
    "event": Event,
    "settings": Settings,
    "point": Point,
    "film": Film,
    "ticket": Ticket,
    "scores": Annotated[list[Annotated[int, Field(ge=0, le=100)]], Field(min_length=2, max_length=6)],
}
