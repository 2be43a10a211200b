"""Dataset metadata in the shape of Socrata's /api/views. Reads nothing but what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connectors.sandbox.datasets import DatasetSpec
from connectors.sandbox.faults import LiveColumn


def view_json(spec: DatasetSpec, live: Sequence[LiveColumn], updated_at: datetime) -> dict[str, object]:
    """One dataset: id, name, description, attribution, rowsUpdatedAt (Unix seconds) and its columns."""
    view: dict[str, object] = {
        "id": spec.id,
        "name": spec.title,
        "assetType": "dataset",
        "attribution": spec.attribution,
        "description": spec.description,
        "rowsUpdatedAt": int(updated_at.timestamp()),
        "viewLastModified": int(updated_at.timestamp()),
        "resourceName": spec.name,
        "columns": [_column_json(position, column) for position, column in enumerate(live, start=1)],
    }
    # Socrata names one column as the row identifier; a key of several fields has none.
    identifiers = [position for position, column in enumerate(live, start=1) if spec.key == (column.name,)]
    return view | ({"rowIdentifierColumnId": identifiers[0]} if identifiers else {})


def _column_json(position: int, column: LiveColumn) -> dict[str, object]:
    return {
        "id": position,
        "name": column.name.replace("_", " ").title(),
        "fieldName": column.name,
        "dataTypeName": column.type,
        "renderTypeName": column.type,
        "position": position,
    }
