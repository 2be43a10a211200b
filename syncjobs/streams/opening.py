"""Opens what a stream sync needs: both connectors, the source's schema, the compiled mapping, the writer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.utils import timezone

from connectors import base
from connectors.asides import ASIDE_PREFIXES, AsideKind, AsideWriter
from connectors.errors import ConfigError
from connectors.models import Connector
from connectors.records import Field, ReadRequest, StreamSchema
from connectors.surroundings import Surroundings
from syncjobs.controllers.base import JobHandle
from syncjobs.mapping import Mapper, compile_mapping
from syncjobs.mapping.columns import Keeps
from syncjobs.models import SyncJob
from syncjobs.stream_limiting import window_filters
from syncjobs.stream_parsing import parse_streams
from syncjobs.stream_specs import StreamSpec
from syncjobs.streams.drift import SourceShape, check_drift
from syncjobs.streams.patience import Patience
from syncjobs.streams.replaying import RejectSource

DEFAULT_BATCH_SIZE = 50_000  # records; HTTP kinds have smaller pages of their own


@dataclass(slots=True)
class OpenStream:
    """One stream of one job, opened for this attempt."""

    sync_job: JobHandle
    patience: Patience
    spec: StreamSpec
    schema: StreamSchema
    mapper: Mapper
    request: ReadRequest
    source: base.Connector
    target: base.Connector
    write_request: base.WriteRequest
    writer: base.StreamWriter
    aside: AsideKind | None = None

    def keep_insert_values(self) -> None:
        """From now on the changes of new records hold their values, not only their keys."""
        if not self.write_request.keep_insert_values:
            self.write_request = replace(self.write_request, keep_insert_values=True)
            if isinstance(self.writer, AsideWriter):  # which spares a connection
                self.writer.switch(self.write_request)
            else:
                self._renew_writer()

    def open_source(self, surroundings: Surroundings) -> base.Connector:
        """A further connection to the source, to be closed by whoever asked for it."""
        source = _open_source(self.sync_job, surroundings)
        try:
            _define_query(source, self.spec, is_replay=self.is_replay)
        except BaseException:
            source.close()
            raise
        return source

    def open_target(self, surroundings: Surroundings) -> base.Connector:
        """A further connection to the target, to be closed by whoever asked for it."""
        return connector_of(self.sync_job, "target_connector").open(surroundings)

    def reopen_target(self) -> None:
        """A new connection and writer, after one was lost."""
        self.target.close()
        self.target = self.open_target(self.sync_job.surroundings)
        self._renew_writer()

    @property
    def can_reopen_target(self) -> bool:
        """Whether a new connection can go on where a lost one was: not where a dry run remembers keys by it."""
        return not (self.sync_job.dry_run and self.aside)

    def _renew_writer(self) -> None:
        self.writer = self.target.writer(self.write_request)
        if self.aside:
            self.open_aside(self.aside, anew=False)

    def open_aside(self, kind: AsideKind, *, anew: bool) -> None:
        """Have this and all later writers use the job's table beside the target; `anew` makes it empty first."""
        self.aside = kind
        self.aside_writer.open_aside(kind, self.sync_job.job.token.hex, anew=anew)

    def drop_aside(self) -> None:
        """The job needs its table beside the target no more."""
        if self.aside:
            self.aside_writer.drop_aside(ASIDE_PREFIXES[self.aside] + self.sync_job.job.token.hex)
            self.aside = None

    @property
    def aside_writer(self) -> AsideWriter:
        """The writer, for modes that need more of it than batches. Raises ConfigError where its kind has no more."""
        if not isinstance(self.writer, AsideWriter):
            raise ConfigError(
                "mode_not_possible",
                f"{self.spec.target}: mode {self.spec.mode} is not possible with a target of kind {self.target.kind}",
                hint="Use mode upsert or append.",
            )
        return self.writer

    @property
    def is_replay(self) -> bool:
        """Whether a few rejects stand for the source, so that nothing follows from what is not among them."""
        return "replay" in self.sync_job.job.config_snapshot


@contextmanager
def open_stream(sync_job: JobHandle, patience: Patience) -> Iterator[OpenStream]:
    """Open the only stream of the job's config; both connectors are closed afterwards, whatever happens."""
    (spec,) = parse_streams(sync_job.config)
    source = _open_source(sync_job, sync_job.surroundings)
    target: base.Connector | None = None
    stream: OpenStream | None = None
    try:
        sync_job.log("INFO", f"Connecting to {source.slug} at {source.address()}")
        _define_query(source, spec, is_replay="replay" in sync_job.job.config_snapshot)
        target = connector_of(sync_job, "target_connector").open(sync_job.surroundings)
        target.connect_ahead(spec.target)
        shape = check_drift(sync_job, spec, source.schema(spec.source))
        schema = shape.schema
        today = timezone.localdate(sync_job.job.created_at)
        mapper = compile_mapping(spec.rules(schema), schema, spec.columns, today, keeps_of(target, spec))
        write_request = _write_request(sync_job, spec, mapper, shape)
        sync_job.log("INFO", f"Connecting to {target.slug} at {target.address()}")
        stream = OpenStream(
            sync_job=sync_job,
            patience=patience,
            spec=spec,
            schema=schema,
            mapper=mapper,
            request=_read_request(sync_job, spec, schema, mapper),
            source=source,
            target=target,
            write_request=write_request,
            writer=target.writer(write_request),
        )
        yield stream
    finally:
        source.close()
        if opened := target if stream is None else stream.target:
            opened.close()


def _open_source(sync_job: JobHandle, surroundings: Surroundings) -> base.Connector:
    """The source of the job's type; a job that replays rejects reads those instead."""
    if "replay" in sync_job.job.config_snapshot:
        return RejectSource(sync_job.job, surroundings)
    return connector_of(sync_job, "source_connector").open(surroundings)


def _define_query(source: base.Connector, spec: StreamSpec, *, is_replay: bool) -> None:
    if spec.custom_query is not None and not is_replay:
        source.define_query(spec.source, spec.custom_query)


def connector_of(sync_job: JobHandle, name: str) -> Connector:
    """The connector as it is now: what it points to was pinned by slug, its credentials may have been renewed."""
    slug = sync_job.job.config_snapshot[name]
    found = Connector.objects.filter(slug=slug).first()
    if found is None:
        what = name.replace("_", " ")
        raise ConfigError("no_connector", f"there is no {what} '{slug}'", hint="Choose a connector in the job type.")
    return found


def keeps_of(target: base.Connector, spec: StreamSpec) -> Keeps:
    """What the target does with numbers that are not finite; a key is never made of one."""
    return lambda field, number: field.name not in spec.key and target.keeps(field.type, number)


def _read_request(sync_job: JobHandle, spec: StreamSpec, schema: StreamSchema, mapper: Mapper) -> ReadRequest:
    return ReadRequest(
        stream=spec.source,
        columns=mapper.source_columns,
        key=schema.key,
        filters=spec.filters + range_filters(sync_job.job, spec),
        batch_size=DEFAULT_BATCH_SIZE if spec.batch_size is None else spec.batch_size,
        partition=spec.partition,
        sets_aside=spec.on_reject.sets_aside,
        largest_value=spec.max_value_bytes,
        may_read_ahead=spec.max_rows is None and spec.max_bytes is None,
    )


def range_filters(job: SyncJob, spec: StreamSpec) -> tuple[Any, ...]:
    """The window's filters, counted from the job's creation, so that every attempt of it reads the same range."""
    return window_filters(spec, job.created_at, timezone.get_default_timezone())


def _write_request(sync_job: JobHandle, spec: StreamSpec, mapper: Mapper, shape: SourceShape) -> base.WriteRequest:
    job = sync_job.job
    names = {field.name for field in mapper.fields}
    if missing := [name for name in spec.key if name not in names]:
        raise ConfigError(
            "key_not_mapped",
            f"{spec.target}: the key {', '.join(missing)} is not among the fields that are written",
            hint="Add it to the mapping, or choose another key.",
        )
    return base.WriteRequest(
        stream=spec.target,
        fields=tuple(_target_field(field, spec.key) for field in mapper.fields),
        key=spec.key,
        mode=_write_mode(spec),
        create=spec.target_schema == "create",
        dry_run=job.dry_run,
        insert_enabled=job.insert_enabled,
        update_enabled=job.update_enabled,
        add_columns=spec.schema_policy.added == "evolve",
        widen=frozenset(name for name in names if shape.retyped.intersection(mapper.columns_of(name))),
        keep_insert_values=job.dry_run or job.verbose_logging,
        deletion_mark=mark.name if (mark := spec.deletion_mark) else None,
    )


def _write_mode(spec: StreamSpec) -> Literal["append", "upsert"]:
    """How batches are written: those of a mirror, and of a replacement with a key, upsert (the latter aside)."""
    return "append" if spec.mode == "append" or not spec.key else "upsert"


def _target_field(field: Field, key: tuple[str, ...]) -> Field:
    return replace(field, nullable=False) if field.name in key else field
