"""Reads records of connector streams as documents: found by key, typed by the stream's schema. Writes nothing."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from connectors import base
from connectors.errors import ConfigError
from connectors.models import Connector
from connectors.records import Field, MutableRecord, StreamSchema, decode_value
from connectors.surroundings import Surroundings
from syncjobs.documents.record_names import key_fields, key_of_name, name_of_key


class RecordReader:
    """The records of one stream, `slug/stream`. The connector is opened when it is first needed."""

    def __init__(self, document_type: str, surroundings: Surroundings | None = None) -> None:
        slug, _, stream = document_type.partition("/")
        if not (slug and stream):
            raise ConfigError(
                "unknown_document_type",
                f"'{document_type}' names no stream",
                hint="Name the connector and its stream: slug/stream.",
            )
        self.document_type = document_type
        self.stream = stream
        self._slug = slug
        self._surroundings = surroundings
        self._opened: base.Connector | None = None

    @property
    def connector(self) -> base.Connector:
        """Open. ConfigError `no_connector` if none has this slug, and those of Connector.open."""
        if self._opened is None:
            row = Connector.objects.filter(slug=self._slug).first()
            if row is None:
                raise ConfigError(
                    "no_connector",
                    f"there is no connector '{self._slug}', which {self.document_type} names",
                    hint="Make that connector, or correct the document type.",
                )
            self._opened = row.open(self._surroundings)
        return self._opened

    @cached_property
    def schema(self) -> StreamSchema:
        return self.connector.schema(self.stream)

    @cached_property
    def key_fields(self) -> tuple[Field, ...]:
        return key_fields(self.document_type, self.schema)

    def load(self, name: str) -> MutableRecord | None:
        found = self.connector.get(self.stream, self.key_of(name))
        return None if found is None else self.document(found)

    def key_of(self, name: str) -> dict[str, Any]:
        """The typed key behind a name."""
        return key_of_name(self.document_type, self.key_fields, name)

    def name_of(self, document: Mapping[str, Any]) -> str:
        return name_of_key(self.key_fields, document)

    def document(self, record: Mapping[str, Any]) -> MutableRecord:
        """What the system holds as a document; a value that does not fit its type stays as it is."""
        fields = self.schema.fields
        return MutableRecord({field.name: _typed(field, record[field.name]) for field in fields})

    def new(self) -> MutableRecord:
        """A document with nothing in it."""
        return MutableRecord(dict.fromkeys(self.schema.names))

    def values(self, document: Mapping[str, Any]) -> dict[str, Any]:
        # JSON is decoded once, when it is read: a text in it stays a text.
        return {
            field.name: copy.deepcopy(document[field.name])
            if field.type == "json"
            else _typed(field, document[field.name])
            for field in self.schema.fields
        }

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None


def _typed(field: Field, value: Any) -> Any:
    try:
        return decode_value(field.type, value)
    except ValueError:
        return value
