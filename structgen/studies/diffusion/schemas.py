"""The JSON Schemas of the study, each with records that satisfy it.

:data:`RECORDS` has for each kind a schema and a function that draws a record from a seeded generator of random
numbers; ``size``, from 0 to 1, says how long lists become. ``tree`` is recursive, the others nest to a fixed depth.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

Schema = dict[str, Any]
Draw = Callable[[Random, float], Any]

FIRST = ["Ada", "Ben", "Clara", "David", "Emma", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Lena", "Maria", "Omar"]
LAST = ["Berg", "Costa", "Fischer", "Garcia", "Ito", "Jansen", "Khan", "Lopez", "Meyer", "Novak", "Olsen", "Smith"]
CITIES = ["Athens", "Berlin", "Cairo", "Delhi", "Lima", "Lisbon", "London", "Oslo", "Paris", "Rome", "Tokyo", "Zurich"]
NOUNS = ["apple", "bread", "bridge", "candle", "forest", "garden", "house", "lamp", "moon", "river", "stone", "table"]
ADJECTIVES = ["blue", "cold", "green", "little", "long", "new", "old", "quiet", "red", "small", "warm", "white"]
VERBS = ["boil", "chop", "cut", "fry", "heat", "mix", "pour", "serve", "stir", "wash"]
FOODS = ["beans", "butter", "carrots", "flour", "garlic", "milk", "onions", "pepper", "rice", "salt", "tomatoes"]
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
DATE = "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
LANGUAGES = ["de", "en", "es", "fr", "it", "pt"]


def closed(properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    """The schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def array(items: Schema, least: int = 0) -> Schema:
    return {"type": "array", "items": items, "minItems": least}


TEXT: Schema = {"type": "string", "minLength": 1}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
TREE: Schema = {
    "$defs": {"node": closed({"value": COUNT, "children": array({"$ref": "#/$defs/node"})}, ("children",))},
    "$ref": "#/$defs/node",
}
EVENT: Schema = {
    "oneOf": [
        closed({"event": {"const": "login"}, "user": TEXT, "ok": FLAG}),
        closed({"event": {"const": "logout"}, "user": TEXT}),
        closed({"event": {"const": "purchase"}, "user": TEXT, "amount": NUMBER, "items": COUNT}),
    ]
}


def _name(r: Random) -> str:
    return f"{r.choice(FIRST)} {r.choice(LAST)}"


def _title(r: Random) -> str:
    return f"{r.choice(ADJECTIVES).capitalize()} {r.choice(NOUNS)}"


def _date(r: Random) -> str:
    return f"20{r.randint(10, 29)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}"


def _several(r: Random, size: float, most: int, draw: Callable[[], Any], least: int = 1) -> list[Any]:
    return [draw() for _ in range(max(least, round(size * most * r.uniform(0.5, 1.0))))]


def _person(r: Random, size: float) -> Any:
    first, last = r.choice(FIRST), r.choice(LAST)
    record: dict[str, Any] = {"name": f"{first} {last}", "age": r.randint(18, 90)}
    if r.random() < 0.5:
        record["email"] = f"{first.lower()}@{last.lower()}.org"
    return record


def _tree(r: Random, size: float, depth: int = 3) -> Any:
    node: dict[str, Any] = {"value": r.randint(0, 99)}
    if depth and r.random() < 0.4 + size / 2:
        node["children"] = [_tree(r, size / 2, depth - 1) for _ in range(r.randint(1, 2 + round(2 * size)))]
    return node


def _event(r: Random, size: float) -> Any:
    user = r.choice(FIRST).lower()
    return r.choice(
        [
            {"event": "login", "user": user, "ok": r.random() < 0.8},
            {"event": "logout", "user": user},
            {"event": "purchase", "user": user, "amount": r.randint(100, 9999) / 100, "items": r.randint(1, 9)},
        ]
    )


#: kind: (its schema, a function that draws a record).
RECORDS: dict[str, tuple[Schema, Draw]] = {
    "person": (closed({"name": TEXT, "age": COUNT, "email": {"type": "string", "pattern": "^[a-z]+@[a-z]+[.]org$"}},
                      ("email",)), _person),
    "city": (closed({"city": TEXT, "country": {"enum": ["DE", "ES", "FR", "IT", "JP", "UK"]}, "population": COUNT}),
             lambda r, s: {"city": r.choice(CITIES), "country": r.choice(["DE", "ES", "FR", "IT", "JP", "UK"]),
                           "population": r.randint(1, 200) * 50_000}),
    "invoice": (closed({"number": {"type": "string", "pattern": "^INV-[0-9]+$"}, "total": NUMBER, "paid": FLAG}),
                lambda r, s: {"number": f"INV-{r.randint(1, 999)}", "total": r.randint(100, 99_999) / 100,
                              "paid": r.random() < 0.5}),
    "booking": (closed({"guest": TEXT, "from": {"type": "string", "pattern": DATE}, "nights": COUNT, "room": COUNT}),
                lambda r, s: {"guest": _name(r), "from": _date(r), "nights": r.randint(1, 14),
                              "room": r.randint(1, 5) * 100 + r.randint(1, 20)}),
    "weather": (closed({"city": TEXT, "days": array(closed({"day": {"enum": DAYS}, "high": NUMBER, "low": NUMBER}))}),
                lambda r, s: {"city": r.choice(CITIES), "days": [
                    {"day": day, "high": r.randint(15, 35), "low": r.randint(-5, 14)}
                    for day in DAYS[: max(1, round(7 * s))]]}),
    "recipe": (closed({"title": TEXT, "steps": array(TEXT, 1)}),
               lambda r, s: {"title": f"{r.choice(FOODS).capitalize()} with {r.choice(FOODS)}", "steps": _several(
                   r, s, 20, lambda: f"{r.choice(VERBS)} the {r.choice(FOODS)}")}),
    "track": (closed({"title": TEXT, "artist": TEXT, "seconds": COUNT, "tags": array(TEXT)}),
              lambda r, s: {"title": _title(r), "artist": _name(r), "seconds": r.randint(90, 400),
                            "tags": _several(r, s, 12, lambda: r.choice(ADJECTIVES), 0)}),
    "book": (closed({"title": TEXT, "author": TEXT, "year": COUNT}),
             lambda r, s: {"title": f"The {_title(r).lower()}", "author": _name(r), "year": r.randint(1900, 2025)}),
    "sensor": (closed({"id": {"type": "string", "pattern": "^[A-F][0-9]{2}$"}, "readings": array(NUMBER, 1)}),
               lambda r, s: {"id": f"{r.choice('ABCDEF')}{r.randint(0, 99):02}",
                             "readings": _several(r, s, 40, lambda: r.randint(0, 999) / 10)}),
    "point": (closed({"x": NUMBER, "y": NUMBER}),
              lambda r, s: {"x": r.randint(-99, 99) / 10, "y": r.randint(-99, 99) / 10}),
    "polygon": (closed({"points": array({"type": "array", "prefixItems": [COUNT, COUNT], "items": False,
                                         "minItems": 2}, 3)}),
                lambda r, s: {"points": _several(r, s, 30, lambda: [r.randint(0, 99), r.randint(0, 99)], 3)}),
    "order": (closed({"currency": {"enum": ["EUR", "GBP", "USD"]},
                      "items": array(closed({"sku": {"type": "string", "pattern": "^[A-Z]{2}[0-9]{3}$"}, "qty": COUNT}),
                                     1)}),
              lambda r, s: {"currency": r.choice(["EUR", "GBP", "USD"]), "items": _several(r, s, 14, lambda: {
                  "sku": f"{r.choice('ABC')}{r.choice('XYZ')}{r.randint(0, 999):03}", "qty": r.randint(1, 20)})}),
    "ticket": (closed({"title": TEXT, "severity": {"enum": ["low", "medium", "high"]}, "open": FLAG,
                       "labels": array({"enum": ["api", "bug", "docs", "ui"]})}),
               lambda r, s: {"title": f"{r.choice(NOUNS).capitalize()} is {r.choice(ADJECTIVES)}",
                             "severity": r.choice(["low", "medium", "high"]), "open": r.random() < 0.6,
                             "labels": r.sample(["api", "bug", "docs", "ui"], r.randint(0, 3))}),
    "match": (closed({"home": TEXT, "away": TEXT, "score": {"type": "array", "items": COUNT, "minItems": 2,
                                                            "maxItems": 2}}),
              lambda r, s: {"home": r.choice(CITIES), "away": r.choice(CITIES),
                            "score": [r.randint(0, 5), r.randint(0, 5)]}),
    "config": (closed({"host": TEXT, "port": {"type": "integer", "minimum": 1, "maximum": 65_535},
                       "tls": closed({"on": FLAG, "version": {"enum": ["1.2", "1.3"]}})}),
               lambda r, s: {"host": f"{r.choice(NOUNS)}.org", "port": r.choice([80, 443, 8080, 5432, 6379]),
                             "tls": {"on": r.random() < 0.5, "version": r.choice(["1.2", "1.3"])}}),
    "event": (EVENT, _event),
    "translation": (closed({"from": {"enum": LANGUAGES}, "to": {"enum": LANGUAGES}, "text": TEXT}),
                    lambda r, s: {"from": r.choice(LANGUAGES), "to": r.choice(LANGUAGES),
                                  "text": f"The {r.choice(NOUNS)} is {r.choice(ADJECTIVES)}."}),
    "tree": (TREE, _tree),
    "menu": (closed({"dishes": array(closed({"name": TEXT, "price": NUMBER, "vegan": FLAG}), 1)}),
             lambda r, s: {"dishes": _several(r, s, 10, lambda: {
                 "name": f"{r.choice(FOODS).capitalize()} and {r.choice(FOODS)}", "price": r.randint(20, 300) / 10,
                 "vegan": r.random() < 0.5})}),
    "colour": (closed({"name": TEXT, "hex": {"type": "string", "pattern": "^#[0-9a-f]{6}$"},
                       "alpha": {"type": ["number", "null"]}}),
               lambda r, s: {"name": r.choice(ADJECTIVES), "hex": f"#{r.randrange(1 << 24):06x}",
                             "alpha": None if r.random() < 0.3 else r.randint(0, 10) / 10}),
}  # fmt: skip
