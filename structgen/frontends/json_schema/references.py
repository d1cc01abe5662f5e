"""Where a ``$ref`` leads: documents by URI, fragments, anchors, base URIs. Nothing is ever fetched.

Receives references as written, with the base URI of the place where they stand; returns :class:`Place`. The
documents known are the user's schema with the schemas embedded in it by ``$id``, the user's registry, and the
metaschemas of the drafts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urldefrag, urljoin

from referencing import Registry, Resource
from referencing.exceptions import NoSuchAnchor, NoSuchResource, Unresolvable
from referencing.jsonschema import (
    DRAFT3 as SPEC3,
)
from referencing.jsonschema import (
    DRAFT4 as SPEC4,
)
from referencing.jsonschema import (
    DRAFT6 as SPEC6,
)
from referencing.jsonschema import (
    DRAFT7 as SPEC7,
)
from referencing.jsonschema import (
    DRAFT201909,
    DRAFT202012,
    DynamicAnchor,
)

from structgen.errors import InputError, ReferenceError, SchemaError, UnsupportedError
from structgen.frontends.json_schema.load import (
    DRAFT3,
    DRAFT4,
    DRAFT6,
    DRAFT7,
    DRAFT2019,
    DRAFT2020,
    KNOWN_URIS,
    draft_named,
    draft_of,
    kind,
)

_SPECIFICATIONS: dict[int, Any] = {
    DRAFT3: SPEC3,
    DRAFT4: SPEC4,
    DRAFT6: SPEC6,
    DRAFT7: SPEC7,
    DRAFT2019: DRAFT201909,
    DRAFT2020: DRAFT202012,
}


class Place(NamedTuple):
    """A schema in a document.

    Attributes:
        value: the schema as Python values.
        base: base URI for the references in it.
        where: how to name the place in messages: ``#/properties/a``, or with the document's URI before it.
        draft: the draft it is read by.
        scope: base URIs of the resources entered on the way here, outermost first (for dynamic references).
    """

    value: Any
    base: str
    where: str
    draft: int
    scope: tuple[str, ...]


def escape(name: str) -> str:
    """A name as one part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def identifier(schema: Any, draft: int) -> str | None:
    """The URI that a schema gives itself, without an empty fragment; None if it does not."""
    if not isinstance(schema, dict):
        return None
    value = schema.get("id" if draft <= DRAFT4 else "$id")
    if not isinstance(value, str) or value.startswith("#"):
        return None
    if draft <= DRAFT7 and isinstance(schema.get("$ref"), str):
        return None  # siblings of $ref do not count there
    return urldefrag(value)[0] or None


class Documents:
    """All documents that references may lead to.

    Args:
        root: the user's schema.
        registry: a mapping from URI to schema, a ``referencing.Registry``, or None.
        draft: the draft of documents that do not say.
    """

    def __init__(self, root: Any, registry: Mapping[str, Any] | Any | None, draft: int) -> None:
        self.root = root
        self._given = registry
        self._crawled: Any = None
        self.root_draft = self.declared(root, draft, "#")
        uri = identifier(root, self.root_draft)
        self.root_uri = urljoin("", uri) if uri else ""

    def start(self) -> Place:
        """The place where the user's schema begins."""
        return Place(self.root, self.root_uri, "#", self.root_draft, (self.root_uri,))

    def declared(self, schema: Any, default: int, where: str) -> int:
        """The draft by which a document is read: what its ``$schema`` names, or what the metaschema in the user's
        registry that it names is written in, else ``default``.

        Raises:
            SchemaError: ``$schema`` is no string.
            UnsupportedError: it names something that is not known.
        """
        if not isinstance(schema, dict) or "$schema" not in schema:
            return default
        uri = schema["$schema"]
        if not isinstance(uri, str):
            raise SchemaError(f'"$schema" takes a URI, not {kind(uri)}', where=f"{where}/$schema")
        named = draft_named(uri)
        if named is not None:
            return named
        metaschema = self._metaschema(uri)
        if metaschema is None and uri not in (schema.get("$id"), schema.get("id")):
            raise UnsupportedError(
                f"the metaschema {uri!r} is not known",
                where=f"{where}/$schema",
                hint=f"Known are {KNOWN_URIS}. Leave it out, or pass the metaschema in registry={{uri: schema}}",
            )
        return draft_of(metaschema, default)

    def _metaschema(self, uri: str) -> Any:
        """A schema of the user's registry, None where there is none; without looking inside the documents."""
        for given, resource in self._user_resources():
            if given.rstrip("#") == uri.rstrip("#"):
                return resource.contents
        return None

    def vocabulary(self) -> dict[str, Any] | None:
        """``$vocabulary`` of the metaschema that the user's schema names, where the user's registry has it."""
        uri = self.root.get("$schema") if isinstance(self.root, dict) else None
        if not isinstance(uri, str) or draft_named(uri) is not None:
            return None
        metaschema = self._metaschema(uri)
        found = metaschema.get("$vocabulary") if isinstance(metaschema, dict) else None
        return found if isinstance(found, dict) else None

    def enter(self, place: Place) -> Place:
        """``place``, with the base URI and the draft that its own ``$id`` and ``$schema`` set."""
        uri = identifier(place.value, place.draft)
        if uri is None:
            return place
        base = urldefrag(urljoin(place.base, uri))[0]
        draft = self.declared(place.value, place.draft, place.where)
        scope = place.scope if base in place.scope else (*place.scope, base)
        return place._replace(base=base, draft=draft, scope=scope)

    def resolve(self, reference: str, place: Place) -> Place:
        """The place that a reference written at ``place`` leads to.

        Raises:
            ReferenceError: nothing known is there.
        """
        uri, fragment = (
            urldefrag(urljoin(place.base, reference))
            if reference[:1] != "#"
            else (
                place.base,
                reference[1:],
            )
        )
        if uri == self.root_uri:
            found = self.start()._replace(scope=place.scope)
        else:
            found = self._resource(uri, reference, place)
        if found.base not in place.scope:
            found = found._replace(scope=(*place.scope, found.base))
        if not fragment:
            return found
        if fragment.startswith("/"):
            return self._pointer(found, fragment, reference, place)
        return self._anchor(found, unquote(fragment), reference, place)

    def dynamic(self, reference: str, place: Place) -> Place:
        """The place that a ``$dynamicRef`` leads to: the outermost dynamic anchor in scope of that name."""
        found = self.resolve(reference, place)
        name = unquote(urldefrag(reference)[1])
        if not isinstance(found.value, dict) or found.value.get("$dynamicAnchor") != name:
            return found
        for uri in place.scope:
            try:
                anchor = self._registry().anchor(uri, name).value
            except (NoSuchAnchor, NoSuchResource, Unresolvable):
                continue
            if isinstance(anchor, DynamicAnchor):
                return self._at(uri, anchor.resource.contents, f"{uri}#{name}", place)
        return found

    def recursive(self, place: Place) -> Place:
        """The place that ``"$recursiveRef": "#"`` leads to: the outermost resource in an unbroken chain."""
        found = self.resolve("#", place)
        if not isinstance(found.value, dict) or found.value.get("$recursiveAnchor") is not True:
            return found
        for uri in reversed(place.scope):
            outer = self.resolve(uri or "#", place._replace(base=self.root_uri))
            if not isinstance(outer.value, dict) or outer.value.get("$recursiveAnchor") is not True:
                break
            found = outer
        return found

    # inside

    def _registry(self) -> Any:
        """Everything known, crawled for identifiers and anchors; made when first needed."""
        if self._crawled is None:
            from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

            registry: Any = REGISTRY
            for uri, resource in self._user_resources():
                registry = registry.with_resource(uri, resource)
            specification = _SPECIFICATIONS[self.root_draft]
            registry = registry.with_resource(self.root_uri, specification.create_resource(self.root))
            self._crawled = registry.crawl()
        return self._crawled

    def _user_resources(self) -> Iterator[tuple[str, Any]]:
        given = self._given
        if given is None:
            return
        if not isinstance(given, Registry | Mapping):
            raise InputError(f"registry is a mapping or a referencing.Registry, not {type(given).__name__}")
        for uri in given:
            value = given[uri]
            if not isinstance(value, Resource):
                specification = _SPECIFICATIONS[draft_of(value, DRAFT2020)]
                value = specification.create_resource(value)
            yield uri, value

    def _resource(self, uri: str, reference: str, place: Place) -> Place:
        registry = self._registry()
        for candidate in (uri, uri.rstrip("#"), uri + "#"):
            try:
                contents = registry[candidate].contents
            except (NoSuchResource, Unresolvable):
                continue
            return self._at(uri, contents, f"{uri}#", place)
        raise ReferenceError(
            f"the reference {reference!r} leads to {uri or 'an unnamed document'!r}, which is not known",
            where=f"{place.where}/$ref",
            hint="Nothing is fetched; pass the document in registry={uri: schema}",
        )

    def _at(self, uri: str, contents: Any, where: str, place: Place) -> Place:
        draft = self.declared(contents, self.root_draft, where)
        scope = place.scope if uri in place.scope else (*place.scope, uri)
        return Place(contents, uri, where, draft, scope)

    def _pointer(self, found: Place, fragment: str, reference: str, place: Place) -> Place:
        value, where = found.value, found.where
        for part in fragment[1:].split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if value is not found.value:
                found = self.enter(found._replace(value=value))
            if isinstance(value, dict) and name in value:
                value = value[name]
            elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
                value = value[int(name)]
            else:
                raise ReferenceError(
                    f"the reference {reference!r} leads to nothing: there is no {name!r} in {where}",
                    where=f"{place.where}/$ref",
                    hint=_guess(name, value),
                )
            where += "/" + escape(name)
        return self.enter(found._replace(value=value, where=where))

    def _anchor(self, found: Place, name: str, reference: str, place: Place) -> Place:
        try:
            resource = self._registry().anchor(found.base, name).value.resource
        except (NoSuchAnchor, NoSuchResource, Unresolvable):
            hint = f'Did you mean "#/{name}"?' if "/" in name else None
            raise ReferenceError(
                f"the reference {reference!r} leads to nothing: there is no anchor {name!r}",
                where=f"{place.where}/$ref",
                hint=hint,
            ) from None
        where = f"{found.where.rstrip('#')}#{name}"
        return found._replace(value=resource.contents, where=where)


def _guess(name: str, value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    near = [other for other in value if other.lower() == name.lower()]
    if near:
        return f"Did you mean {near[0]!r}?"
    if name == "definitions" and "$defs" in value:
        return "Did you mean '$defs'?"
    if name == "$defs" and "definitions" in value:
        return "Did you mean 'definitions'?"
    return None
