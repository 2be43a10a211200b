"""Django models as documents. Written through the ORM, so with the model's own save, delete and signals."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, models, router, transaction

from connectors.base import Operation
from connectors.errors import ConfigError
from syncjobs.controllers.base import JobHandle
from syncjobs.crash_points import crash_here
from syncjobs.diffs import compare_values, json_form
from syncjobs.documents.base import Written
from syncjobs.documents.changes import change_statement
from syncjobs.documents.model_reads import read_row
from syncjobs.documents.refusals import constraints_explained, refusals_explained


def find_model(document_type: str) -> type[models.Model]:
    """The model named `app_label.Model`; ConfigError `unknown_document_type` if there is none."""
    try:
        return apps.get_model(document_type)
    except (LookupError, ValueError):
        raise ConfigError(
            "unknown_document_type",
            f"there is no Django model '{document_type}'",
            hint="Name it app_label.Model, and add its app by SYNCDECK_APPS; a connector's stream is slug/stream.",
        ) from None


class ModelStore:
    """The documents of one Django model."""

    def __init__(self, document_type: str) -> None:
        self.model = find_model(document_type)
        self.document_type = self.model._meta.label
        self.fields = [field for field in self.model._meta.concrete_fields if not field.generated]

    def load(self, name: str) -> models.Model | None:
        return read_row(self.model, router.db_for_read(self.model) or DEFAULT_DB_ALIAS, self.key_value(name))

    def name_of(self, document: models.Model) -> str:
        return str(document.pk)

    def values(self, document: models.Model) -> dict[str, Any]:
        return {field.name: _typed(field, document) for field in self.fields}

    @contextmanager
    def session(self, sync_job: JobHandle) -> Iterator[ModelSession]:
        """One transaction in Syncdeck's own database: target, change and the job's end are decided together."""
        self._refuse_other_database()
        with constraints_explained(self.document_type), transaction.atomic():
            session = ModelSession(self, sync_job)
            yield session
            if not session.has_ended:
                transaction.set_rollback(True)
        if session.has_ended:
            crash_here("after_target_commit")

    def close(self) -> None:
        """Django keeps its connections itself."""

    def key_value(self, name: str) -> Any:
        """The primary key behind a name; ConfigError `bad_document_name` if it cannot be one."""
        try:
            return self.model._meta.pk.to_python(name)
        except ValidationError as error:
            message = f"'{name}' cannot be the primary key of a {self.document_type}"
            raise ConfigError("bad_document_name", message, hint="Give the document's primary key.") from error

    def locked(self, name: str) -> models.Model | None:
        """The document as it is now, held until the end of the transaction."""
        return read_row(self.model, DEFAULT_DB_ALIAS, self.key_value(name), is_locked=True)

    def _refuse_other_database(self) -> None:
        alias = router.db_for_write(self.model)
        if alias != DEFAULT_DB_ALIAS:
            raise ConfigError(
                "other_database",
                f"{self.document_type} lies in the database '{alias}', not in Syncdeck's own",
                hint="Use a connector to that database, and the stream slug/table as the target document type.",
            )


def _typed(field: models.Field[Any, Any], document: models.Model) -> Any:
    value = field.value_from_object(document)
    if isinstance(value, models.fields.files.FieldFile):
        return value.name
    if isinstance(value, memoryview):  # cannot be copied, and what it shows may change
        return bytes(value)
    if hasattr(value, "resolve_expression"):
        return value  # an F() or the like: its value is known once it is saved
    try:
        return copy.deepcopy(field.to_python(value))
    except ValidationError:
        return value  # saving will refuse it, and name the field


class ModelSession:
    """One document of a Django model, inside the transaction that also ends the job."""

    settled: Written | None = None  # target and job are committed together: nothing is ever left half-way

    def __init__(self, store: ModelStore, sync_job: JobHandle) -> None:
        self._store = store
        self._sync_job = sync_job
        self._written: Written | None = None
        self._before_hooks = transaction.savepoint() if sync_job.dry_run else None
        self.has_ended = False

    def lock(self, name: str) -> models.Model | None:
        return self._store.locked(name)

    def new(self) -> models.Model:
        return self._store.model()

    def write(self, operation: Operation, document: models.Model, before: Mapping[str, Any] | None) -> Written:
        key = self._key(document)  # deleting empties it
        if not self._sync_job.dry_run:
            with refusals_explained(self._store.document_type, document):
                self._save(operation, document)
        after = None if operation == "delete" else self._store.values(document)
        changes = compare_values(before, after, masked=self._sync_job.masked_fields)
        key = key if operation == "delete" else self._key(document)
        name = next(iter(key.values()))
        self._written = Written(operation, key, "" if name is None else str(name), changes)
        return self._written

    def end(self, write_end: Callable[[Written], None]) -> None:
        if self._written is None:
            raise AssertionError("write() comes before end()")
        if self._before_hooks is not None:  # a dry run: whatever the hooks did to the database is undone
            transaction.savepoint_rollback(self._before_hooks)
        change = change_statement(self._sync_job.job, self._store.document_type, self._written)
        write_end(replace(self._written, also=[change]))
        self.has_ended = True
        crash_here("before_commit")

    def _save(self, operation: Operation, document: models.Model) -> None:
        if operation == "delete":
            self._tell_of_cascade(document.delete()[1])
            return
        document.save(using=DEFAULT_DB_ALIAS, force_insert=operation == "insert", force_update=operation == "update")
        if any(hasattr(document.__dict__.get(field.attname), "resolve_expression") for field in self._store.fields):
            document.refresh_from_db()

    def _tell_of_cascade(self, deleted: dict[str, int]) -> None:
        others = {label: number for label, number in deleted.items() if label != self._store.document_type}
        if others:
            what = ", ".join(f"{number} {label}" for label, number in others.items())
            self._sync_job.log("WARNING", f"The database's cascade also deleted {what}")

    def _key(self, document: models.Model) -> dict[str, Any]:
        return {self._store.model._meta.pk.name: json_form(document.pk)}
