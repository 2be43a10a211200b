"""Where a job gets its documents: one store for each document type, opened when first needed, closed at the end."""

from __future__ import annotations

from typing import Any

from connectors.surroundings import Surroundings
from syncjobs.documents.base import DocumentStore
from syncjobs.documents.django_models import ModelStore
from syncjobs.documents.records import RecordStore
from syncjobs.documents.tombstones import read_tombstone


def open_store(document_type: str, surroundings: Surroundings) -> DocumentStore:
    """The documents of one type; ConfigError if there is no such model, connector or stream."""
    if "/" in document_type:
        return RecordStore(document_type, surroundings)
    return ModelStore(document_type)


class DocumentDesk:
    """The documents that one attempt of a job works with."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._stores: dict[str, DocumentStore] = {}

    def store(self, document_type: str) -> DocumentStore:
        if document_type not in self._stores:
            self._stores[document_type] = open_store(document_type, self._surroundings)
        return self._stores[document_type]

    def find(self, document_type: str, name: str) -> Any | None:
        """A document by type and name; None if there is none, or nothing was named."""
        return self.store(document_type).load(name) if document_type and name else None

    def find_source(self, document_type: str, name: str) -> tuple[Any | None, bool]:
        """The document and whether it is deleted, so that what comes back is its tombstone (or None)."""
        if not (document_type and name):
            return None, False
        store = self.store(document_type)
        document = store.load(name)
        if document is not None:
            return document, False
        return (None if "/" in document_type else read_tombstone(store.document_type, name)), True

    def close(self) -> None:
        for store in self._stores.values():
            store.close()
        self._stores.clear()
