"""What a job over one stream is called, and what it must not run beside. Pure."""

from __future__ import annotations

from typing import Any


def stream_columns(snapshot: dict[str, Any]) -> dict[str, Any]:
    """The columns of a SyncJob that follow from its snapshot: title, document types, concurrency key.

    A job of several streams only makes one child for each, so it has no target of its own.
    """
    streams = snapshot["config"]["streams"]
    if len(streams) != 1:
        return {"title": snapshot["name"], "concurrency_key": ""}
    source = f"{snapshot['source_connector']}/{streams[0]['source']}"
    target = f"{snapshot['target_connector']}/{streams[0]['target']}"
    return {
        "title": f"{snapshot['name']}: {source} > {target}",
        "source_document_type": source,
        "target_document_type": target,
        "concurrency_key": target,
    }


def child_snapshots(snapshot: dict[str, Any]) -> list[dict[str, Any]]:
    """The snapshot of each child of a job over several streams, in their order."""
    return [snapshot | {"config": snapshot["config"] | {"streams": [one]}} for one in snapshot["config"]["streams"]]
