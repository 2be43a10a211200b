"""Configurations of streams that are not right: refused where a type is saved, each sentence with its path."""

from __future__ import annotations

from typing import Any

import pytest

from syncjobs.models import SyncJobType
from tests.api.conftest import STREAM, Api, error_of

ANY = {"If-Match": "*"}
RULES: dict[str, tuple[dict[str, Any], str]] = {
    "target twice": ({"mapping": [{"to": "a", "from": "icao"}, {"to": "a", "from": "b"}], "key": ["a"]}, "mapping"),
    "key that is not mapped": ({"mapping": [{"to": "a", "from": "icao"}]}, "key"),
    "unknown transform": ({"mapping": [{"to": "icao", "from": "icao", "transforms": [{"op": "eval"}]}]}, "mapping[0]"),
    "unknown type": ({"mapping": [{"to": "icao", "from": "icao", "type": "money"}]}, "mapping[0].type"),
    "bad template": ({"mapping": [{"to": "icao", "template": "{icao"}]}, "mapping[0]"),
    "filter in words": ({"filters": "1=1 OR 1=1"}, "filters"),
    "filter by a subselect": ({"filters": [{"sql": "(SELECT 1)"}]}, "filters[0]"),
    "filter by an unknown operator": ({"filters": [{"field": "a", "op": "or 1=1", "value": 1}]}, "filters[0].op"),
    "too many at a time": ({"batch_size": 10**9}, "batch_size"),
    "none at a time": ({"batch_size": 0}, "batch_size"),
    "unknown setting": ({"batchsize": 5}, "batchsize"),
    "unknown mode": ({"mode": "teleport"}, "mode"),
    "empty query": ({"query": " "}, "query"),
    "two statements": ({"query": "SELECT 1; SELECT 2"}, "query"),
    "query that deletes": ({"query": "DELETE FROM airports"}, "query"),
    "query that deletes within": ({"query": "WITH x AS (SELECT 1) DELETE FROM airports"}, "query"),
    "query that runs programs": ({"query": "COPY airports TO PROGRAM 'id'"}, "query"),
    "query that explains a deletion": ({"query": "EXPLAIN ANALYZE DELETE FROM airports"}, "query"),
    "query that switches": ({"query": "SET TRANSACTION READ WRITE"}, "query"),
    "open quote": ({"query": "SELECT 'a"}, "query"),
}


@pytest.mark.parametrize("case", sorted(RULES))
def test_wrong_configuration_is_refused_with_the_path(case: str, api: Api, job_type: SyncJobType) -> None:
    changes, path = RULES[case]
    response = api.patch("job-types/airports/", {"config": {"streams": [STREAM | changes]}}, **ANY)
    assert response.status_code == 400, response.content
    sentences = error_of(response)["fields"]["config"]
    assert any(path in sentence and sentence.startswith("streams[0]") for sentence in sentences), sentences
    job_type.refresh_from_db()
    assert job_type.version == 1
