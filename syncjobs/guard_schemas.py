"""JSON Schema of a job type's guards: it draws the form, and `stream_parsing` checks by it."""

from __future__ import annotations

from typing import Any

SHARE_SCHEMA = {"type": "number", "minimum": 0, "maximum": 1}
COUNT_SCHEMA = {"type": "integer", "minimum": 0}
GUARDS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Guards",
    "description": "A run that would do more than this is held for a person before it writes. Without min_source_rows "
    "and min_source_share a source that was read whole is not believed if it has no record, or half of those it had.",
    "properties": {
        "max_delete_share": {
            **SHARE_SCHEMA,
            "title": "Most deletes, as a share of the target",
            "description": "As 0.05 for 5 %: a run that would delete more of the target's records is held.",
        },
        "max_deletes": {
            **COUNT_SCHEMA,
            "title": "Most deletes",
            "description": "A run that would delete more records than this is held.",
        },
        "max_change_share": {
            **SHARE_SCHEMA,
            "title": "Most changes, as a share of the target",
            "description": "The same for inserts, updates and deletes together.",
        },
        "max_changes": {
            **COUNT_SCHEMA,
            "title": "Most changes",
            "description": "A run that would insert, update and delete more records than this together is held.",
        },
        "min_source_rows": {
            **COUNT_SCHEMA,
            "title": "Fewest records at the source",
            "description": "A source with fewer is not believed; 0 allows it to be empty. Without it one is the least.",
        },
        "min_source_share": {
            **SHARE_SCHEMA,
            "title": "Fewest records at the source, as a share of the last run's",
            "description": "As 0.8: a source that has shrunk below 80 % is not believed. Without it 0.5 is the least.",
        },
        "plan_days": {
            "type": "integer",
            "minimum": 1,
            "maximum": 365,
            "default": 7,
            "title": "Days until a plan expires",
            "description": "The changes of a dry run can be approved and applied until then.",
        },
    },
    "additionalProperties": False,
}
