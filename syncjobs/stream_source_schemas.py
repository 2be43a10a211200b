"""JSON Schemas of what a stream reads: a table or a query, in ranges, and how much of it in one run."""

from __future__ import annotations

from typing import Any

from connectors.limits import LARGEST_VALUE_BYTES
from connectors.query_texts import LONGEST_QUERY
from syncjobs.mapping.problems import NAME_SCHEMA
from syncjobs.stream_splits import LEAST_ROWS

LARGEST_BATCH = 1_000_000
QUERY_MOST_ROWS = 10_000_000
QUERY_MOST_BYTES = 10 * 1024**3
"""What a custom query may give in one run, unless its stream says otherwise."""


def part(title: str, properties: dict[str, Any], required: list[str], *, optional: bool = True) -> dict[str, Any]:
    """The schema of an object inside a stream's."""
    return {
        "type": ["object", "null"] if optional else "object",
        "title": title,
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


SOURCE_PROPERTIES: dict[str, Any] = {
    "source": {
        **NAME_SCHEMA,
        "title": "Source",
        "description": "A table, view or dataset of the source. With a query: a name of your own for what it "
        "gives; cursor, rejects and known columns are kept under it.",
    },
    "query": {
        "type": ["string", "null"],
        "minLength": 1,
        "maxLength": LONGEST_QUERY,
        "title": "Custom query",
        "description": "One SELECT to read instead of a table; filters, window, cursor and columns apply on top. "
        "It needs the permission to edit SQL, and a source that can run queries.",
    },
}
LIMIT_PROPERTIES: dict[str, Any] = {
    "partition": part(
        "Partition",
        {
            "field": {
                **NAME_SCHEMA,
                "title": "Field",
                "description": "A number, date, time or text of the source, best with an index.",
            },
            "rows": {
                "type": "integer",
                "minimum": 100,
                "maximum": LARGEST_BATCH,
                "title": "Records in a range",
                "description": "The source is read in ranges of the field with so many records each, so that no "
                "statement runs for hours and a run without a key can go on where it was.",
            },
        },
        ["field", "rows"],
    ),
    "split": part(
        "Split into child jobs",
        {
            "children": {
                "type": "integer",
                "minimum": 2,
                "maximum": 64,
                "title": "Most child jobs",
                "description": "Each reads and writes its own range of the key, on whichever worker is free.",
            },
            "rows": {
                "type": "integer",
                "minimum": 1,
                "default": LEAST_ROWS,
                "title": "Fewest records of a child",
                "description": "A stream with fewer than twice as many is not split.",
            },
        },
        ["children"],
    ),
    "max_rows": {
        "type": ["integer", "null"],
        "minimum": 1,
        "title": "Most records of one run",
        "description": "More than that end the job in Error before they are written. Empty means no limit; for a "
        f"query {QUERY_MOST_ROWS:,}.",
    },
    "max_bytes": {
        "type": ["integer", "null"],
        "minimum": 1,
        "title": "Most bytes of one run",
        "description": "The same by the size of what is read. Empty means no limit; for a query "
        f"{QUERY_MOST_BYTES // 1024**3} GiB.",
    },
    "max_value_bytes": {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": 256 * 1024**2,
        "title": "Largest value in bytes",
        "description": f"A single value that is larger ends the job. Empty means {LARGEST_VALUE_BYTES // 1024**2} MiB.",
    },
}
