"""JSON Schema of a stream sync's config: it draws the form, and `stream_parsing` checks by it."""

from __future__ import annotations

from typing import Any

from syncjobs.mapping import MAPPING_SCHEMA
from syncjobs.mapping.conditions import CONDITION_SCHEMA
from syncjobs.mapping.problems import NAME_SCHEMA
from syncjobs.stream_source_schemas import LARGEST_BATCH, LIMIT_PROPERTIES, SOURCE_PROPERTIES, part

MOST_REJECTS = 100_000
NAMES_SCHEMA: dict[str, Any] = {"type": "array", "items": NAME_SCHEMA, "uniqueItems": True}
POLICIES: list[str] = ["stop", "ignore", "evolve"]


STREAM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Stream",
    "properties": {
        **SOURCE_PROPERTIES,
        "target": {**NAME_SCHEMA, "title": "Target", "description": "The table to write to."},
        "key": {
            **NAMES_SCHEMA,
            "title": "Key",
            "description": "Target fields that tell records apart. Without them a run is one batch and can not resume.",
        },
        "mode": {
            "enum": ["append", "upsert", "mirror", "replace"],
            "default": "upsert",
            "title": "Mode",
            "description": "append adds every record; upsert inserts new records and updates those that differ; mirror "
            "also deletes what the source no longer has, within the same filters; replace loads aside, then empties "
            "and refills the target in one transaction, without keeping changes record by record.",
        },
        "extent": {
            "enum": ["full", "window", "incremental"],
            "default": "full",
            "title": "Extent",
            "description": "full reads everything, window the last days by the window field, incremental what is new "
            "or changed since the last run by the cursor field; records without a value there are read by full only.",
        },
        "batch_size": {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": LARGEST_BATCH,
            "title": "Batch size",
            "description": "The most records in a batch; empty lets Syncdeck choose.",
        },
        "filters": {
            "type": ["array", "null"],
            "items": CONDITION_SCHEMA,
            "title": "Filters",
            "description": "Only records that meet all conditions are read.",
        },
        **LIMIT_PROPERTIES,
        "cursor": part(
            "Cursor",
            {
                "field": {
                    **NAME_SCHEMA,
                    "title": "Field",
                    "description": "A time, date, number or text that grows whenever a record is added or changed.",
                },
                "overlap_seconds": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": 31_536_000,
                    "default": 300,
                    "title": "Overlap in seconds",
                    "description": "How far back a field of times or dates is read again, for records that were "
                    "committed late. Not used in mode append, where it would add records twice.",
                },
                "overlap": {
                    "type": "number",
                    "minimum": 0,
                    "default": 0,
                    "title": "Overlap in the field's unit",
                    "description": "The same for a field of numbers.",
                },
            },
            ["field"],
        ),
        "window": part(
            "Window",
            {
                "field": {
                    **NAME_SCHEMA,
                    "title": "Field",
                    "description": "A date or time; a backfill goes by it, too, whatever the extent is.",
                },
                "days": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 36_500,
                    "title": "Days",
                    "description": "How far back extent window reads.",
                },
            },
            ["field", "days"],
        ),
        "range": part(
            "Range of one run",
            {"field": NAME_SCHEMA, "start": {"type": ["string", "null"]}, "end": {"type": ["string", "null"]}},
            [],
        ),
        "columns": {
            **NAMES_SCHEMA,
            "type": ["array", "null"],
            "minItems": 1,
            "title": "Columns",
            "description": "The source's columns to read; empty means all.",
        },
        "mapping": MAPPING_SCHEMA,
        "on_reject": part(
            "Bad records",
            {
                "policy": {
                    "enum": ["stop", "quarantine"],
                    "description": "stop ends the job at a bad record, quarantine keeps it aside and goes on.",
                },
                "max": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": MOST_REJECTS,
                    "default": 100,
                    "description": "The most records that one job may set aside.",
                },
                "max_share": {
                    "type": "number",
                    "minimum": 0,
                    "maximum": 1,
                    "default": 1,
                    "description": "The largest share of what was read that may be set aside, as 0.01.",
                },
            },
            ["policy"],
            optional=False,
        ),
        "deletes": part(
            "Deleted records",
            {
                "policy": {
                    "enum": ["hard", "soft"],
                    "default": "hard",
                    "title": "What a mirror does",
                    "description": "hard deletes what the source no longer has, soft marks it in a field of the target "
                    "until it comes back. To keep it unmarked, choose mode upsert.",
                },
                "field": {
                    **NAME_SCHEMA,
                    "title": "Field of the mark",
                    "description": "A column of the target that the source does not fill, as deleted_at.",
                },
                "type": {
                    "enum": ["datetime", "boolean"],
                    "default": "datetime",
                    "title": "Type of the mark",
                    "description": "datetime keeps when it was found deleted, boolean only that it was.",
                },
            },
            [],
        ),
        "schema_policy": part(
            "Changed source columns",
            {
                "dropped": {
                    "enum": POLICIES[:2],
                    "default": "stop",
                    "title": "Columns that are gone",
                    "description": "ignore reads without them, unless mapping, columns or key need them.",
                },
                "changed": {
                    "enum": POLICIES,
                    "default": "stop",
                    "title": "Columns with another type",
                    "description": "evolve widens the target's columns, as from integer to bigint; else it stops.",
                },
                "added": {
                    "enum": POLICIES,
                    "default": "ignore",
                    "title": "New columns",
                    "description": "ignore leaves them out and warns; evolve adds to the target what is written.",
                },
            },
            [],
            optional=False,
        ),
        "target_schema": {
            "enum": ["create", "expect"],
            "default": "create",
            "title": "Target table",
            "description": "create makes a missing table, expect fails without it.",
        },
    },
    "required": ["source", "target"],
    "additionalProperties": False,
}
STREAM_SYNC_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": "Stream sync",
    "description": "Whole tables, datasets or files into target tables.",
    "properties": {
        "streams": {"type": "array", "title": "Streams", "items": STREAM_SCHEMA, "minItems": 1, "maxItems": 500},
        "masked_fields": {
            **NAMES_SCHEMA,
            "title": "Masked fields",
            "description": "Fields whose values are kept neither with changes nor with rejects.",
        },
    },
    "required": ["streams"],
    "additionalProperties": False,
}
