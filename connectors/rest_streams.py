"""A stream of a REST connector as its settings say: where its records are, which fields they have. Sends nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connectors.cursors import cursor_candidates
from connectors.errors import ConfigError
from connectors.files_types import type_of_values
from connectors.json_paths import value_at
from connectors.records import CursorRequest, Field, FieldType, Filter, StreamSchema, encode_value
from connectors.records import decode_value as decoded
from connectors.rest_settings import PAGE

NEEDED = {"page": ("parameter",), "offset": ("parameter",), "cursor": ("parameter", "next"), "next_url": ("next",)}


@dataclass(frozen=True, slots=True)
class Paging:
    """How pages follow one another."""

    kind: str = "none"
    parameter: str = ""
    size_parameter: str = ""
    size: int = PAGE
    first: int = 1
    next: str = ""
    more: str = ""
    total: str = ""
    ends_with_404: bool = False


@dataclass(frozen=True, slots=True)
class RestStream:
    """The settings of one stream; `declared` has a path and perhaps a type of each field."""

    name: str
    path: str
    records: str = ""
    key: tuple[str, ...] = ()
    cursors: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    paging: Paging = field(default_factory=Paging)
    declared: Mapping[str, tuple[str, FieldType | None]] = field(default_factory=dict)
    filters: tuple[Mapping[str, str], ...] = ()

    @property
    def is_typed(self) -> bool:
        """Whether the fields are known without looking at records."""
        return bool(self.declared) and all(kind for _, kind in self.declared.values())

    def schema(self, sample: Sequence[Mapping[str, Any]]) -> StreamSchema:
        """The fields as declared, and where that is left open as these records have them."""
        paths = self.declared or {name: (name, None) for record in sample for name in record}
        fields = tuple(
            Field(name, kind or type_of_values(_exact(self._value(record, name)) for record in sample))
            for name, (_, kind) in paths.items()
        )
        for name in (*self.key, *self.cursors):
            if fields and name not in paths:
                raise ConfigError(
                    "bad_settings",
                    f"{self.name}: there is no field '{name}' (it has: {', '.join(paths)})",
                    hint="Correct key, cursors or fields of the stream in the connector.",
                )
        return StreamSchema(fields, self.key, tuple(dict.fromkeys([*self.cursors, *cursor_candidates(fields)])))

    def flat(self, records: Sequence[dict[str, Any]], schema: StreamSchema) -> list[dict[str, Any]]:
        """Records with a value for each field; what is json is spelled, since a text there is a value, too."""
        spelled = {one.name for one in schema.fields if one.type == "json"}
        if not spelled and all(path == name for name, (path, _) in self.declared.items()):
            return list(records)
        return [{name: self._spelled(record, name, name in spelled) for name in schema.names} for record in records]

    def sent_filters(
        self, filters: Sequence[Filter], cursor: CursorRequest | None, schema: StreamSchema
    ) -> dict[str, str]:
        """The parameters by which the server leaves out some of what is not wanted; the rest is left out here."""
        wanted = [*filters]
        if cursor is not None and cursor.start is not None:
            wanted.append(Filter(cursor.field, "ge", cursor.start))
        found: dict[str, str] = {}
        for known in self.filters:
            for item in wanted:
                by = schema.get(item.field)
                if by and (item.field, item.operator) == (known["field"], known.get("operator", "ge")):
                    found[known["parameter"]] = str(encode_value(by.type, decoded(by.type, item.value)))
        return found

    def _value(self, record: Mapping[str, Any], name: str) -> Any:
        path = self.declared[name][0] if name in self.declared else name
        return (
            record[name]
            if path == name and name in record
            else value_at(record, path)
            if name in self.declared
            else None
        )

    def _spelled(self, record: Mapping[str, Any], name: str, is_json: bool) -> Any:
        value = self._value(record, name)
        return json.dumps(value, default=str) if is_json and value is not None else value


def _exact(value: Any) -> Any:
    """A number as the types judge it: each with a fraction may be a decimal one."""
    return Decimal(str(value)) if isinstance(value, float) else value


def stream_of(settings: Mapping[str, Any]) -> RestStream:
    """The stream of checked settings."""
    declared = {one["name"]: (one.get("path") or one["name"], one.get("type")) for one in settings.get("fields", ())}
    return RestStream(
        settings["name"],
        settings["path"],
        settings.get("records", ""),
        tuple(settings.get("key", ())),
        tuple(settings.get("cursors", ())),
        settings.get("parameters", {}),
        Paging(**settings.get("paging", {})),
        declared,
        tuple(settings.get("filters", ())),
    )


def check_streams(streams: Sequence[Mapping[str, Any]]) -> None:
    """Refuse by ConfigError streams of one name, and pages of which something is not said."""
    names = [one["name"] for one in streams]
    for one in streams:
        if names.count(one["name"]) > 1:
            raise ConfigError("bad_settings", f"streams: two have the name '{one['name']}'")
        paging = one.get("paging", {})
        for needed in NEEDED.get(paging.get("kind", "none"), ()):
            if not paging.get(needed):
                raise ConfigError(
                    "bad_settings", f"streams: {one['name']}: pages by {paging['kind']} want the setting '{needed}'"
                )
