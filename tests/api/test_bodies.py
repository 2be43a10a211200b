"""Bodies and queries that are not right: each is refused with the one shape, its own code and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings

from syncjobs.models import SyncJob, SyncJobType
from tests.api.conftest import Api, error_of

BAD_BODIES: dict[str, tuple[bytes, int, str, str]] = {
    "truncated": (b'{"job_type": "air', 400, "parse_error", "line 1, column 14"),
    "no JSON": (b"hello", 400, "parse_error", "line 1, column 1"),
    "list": (b"[]", 400, "expected_object", "object"),
    "null": (b"null", 400, "expected_object", "object"),
    "text": (b'"x"', 400, "expected_object", "object"),
    "number": (b"1", 400, "expected_object", "object"),
    "deep": (b'{"context":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "too_deep", "32"),
    "deep and cut": (b"[" * 100_000, 400, "too_deep", "32"),
    "large": (b'{"title": "' + b"x" * 1_048_576 + b'"}', 413, "too_large", "1,048,576"),
    "invalid UTF-8": (b'{"title": "\xff"}', 400, "parse_error", "byte 11"),
    "UTF-16": ('{"title": "x"}'.encode("utf-16"), 400, "parse_error", "UTF-8"),
    "NaN": (b'{"context": {"x": NaN}}', 400, "bad_value", "NaN"),
    "Infinity": (b'{"context": {"x": -Infinity}}', 400, "bad_value", "Infinity"),
    "1e999": (b'{"context": {"x": 1e999}}', 400, "bad_value", "1e999"),
    "5000 digits": (b'{"batch_size": ' + b"9" * 5000 + b"}", 400, "bad_value", "64 bits"),
    "2^63": (b'{"batch_size": 9223372036854775808}', 400, "bad_value", "64 bits"),
    "name twice": (b'{"title": "a", "title": "b"}', 400, "duplicate_key", '"title"'),
    "name twice within": (b'{"context": {"a": [{"b": 1, "b": 2}]}}', 400, "duplicate_key", '"b"'),
    "NUL": (b'{"title": "a\\u0000"}', 400, "bad_value", "NUL"),
    "NUL within": (b'{"context": {"a": ["b\\u0000"]}}', 400, "bad_value", "NUL"),
    "NUL in a name": (b'{"context": {"a\\u0000": 1}}', 400, "bad_value", "NUL"),
    "lone surrogate": (b'{"context": {"a": "\\ud800"}}', 400, "bad_value", "surrogate"),
    "lone surrogate in a name": (b'{"\\udfff": 1}', 400, "bad_value", "surrogate"),
}
BAD_FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "text for a number": ({"batch_size": "10 "}, "batch_size"),
    "true for a number": ({"batch_size": True}, "batch_size"),
    "half": ({"batch_size": 1.5}, "batch_size"),
    "zero": ({"batch_size": 0}, "batch_size"),
    "below zero": ({"batch_size": -1}, "batch_size"),
    "10^9": ({"batch_size": 10**9}, "config"),
    "number for a flag": ({"dry_run": 1}, "dry_run"),
    "text for a flag": ({"dry_run": "yes"}, "dry_run"),
    "number for a text": ({"title": 7}, "title"),
    "long text": ({"title": "x" * 301}, "title"),
    "negative timeout": ({"timeout": -1}, "timeout"),
    "many retries": ({"max_retries": 10**6}, "max_retries"),
    "word for a delay": ({"retry_delay": "soon"}, "retry_delay"),
    "list for a context": ({"context": []}, "context"),
    "no streams": ({"endpoints": []}, "endpoints"),
    "number among streams": ({"endpoints": [7]}, "endpoints.0"),
    "unknown stream": ({"endpoints": ["trains"]}, "config"),
    "document of a stream type": ({"source_document_name": "7"}, "source_document_name"),
}


@pytest.mark.parametrize("case", sorted(BAD_BODIES))
def test_unreadable_body_is_refused_and_starts_nothing(case: str, api: Api, job_type: SyncJobType) -> None:
    body, status, code, words = BAD_BODIES[case]
    response = api.post_raw("job-types/airports/run/", body)
    error = error_of(response)
    assert (response.status_code, error["code"]) == (status, code)
    assert words in error["message"]
    assert not SyncJob.objects.exists()


@pytest.mark.parametrize("case", sorted(BAD_FIELDS))
def test_wrong_value_is_refused_by_its_field(case: str, api: Api, job_type: SyncJobType) -> None:
    body, field = BAD_FIELDS[case]
    response = api.post("job-types/airports/run/", body)
    assert response.status_code == 400
    assert list(error_of(response)["fields"]) == [field]
    assert not SyncJob.objects.exists()


def test_quotes_without_end_are_read_in_no_time(api: Api, job_type: SyncJobType) -> None:
    body = b'{"a": "' + b'\\"' * 500_000
    assert error_of(api.post_raw("job-types/airports/run/", body))["code"] == "parse_error"


@pytest.mark.parametrize("name", ["batchsize", "status", "id", "created_at", "triggered_by"])
def test_unknown_and_read_only_fields_are_refused_by_name(name: str, api: Api, job_type: SyncJobType) -> None:
    error = error_of(api.post("job-types/airports/run/", {name: "x"}))
    assert (error["code"], list(error["fields"])) == ("unknown_field", [name])
    assert "batch_size" in error["fields"][name][0]


def test_missing_field_is_named_also_without_a_body(api: Api) -> None:
    for response in (api.post("jobs/"), api.post_raw("jobs/", b"")):
        assert error_of(response)["fields"] == {"job_type": ["This field is required."]}


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""])
def test_other_kinds_of_body_are_415(content_type: str, api: Api, job_type: SyncJobType) -> None:
    response = api.post_raw("job-types/airports/run/", b"{}", content_type)
    assert (response.status_code, error_of(response)["code"]) == (415, "unsupported_media_type")


def test_packed_bodies_and_other_letters_are_415(api: Api, job_type: SyncJobType) -> None:
    packed = api.post_raw("jobs/", b"{}", **{"Content-Encoding": "gzip"})
    latin = api.post_raw("jobs/", b"{}", "application/json; charset=latin-1")
    assert (packed.status_code, latin.status_code) == (415, 415)
    assert api.post_raw("jobs/", b'{"job_type": "airports"}', "application/json; charset=UTF-8").status_code == 201


def test_only_json_is_answered(api: Api) -> None:
    response = api.client.get("/api/v1/jobs/", headers={"Accept": "text/csv"})
    assert (response.status_code, error_of(response)["code"]) == (406, "not_acceptable")
    assert api.client.get("/api/v1/jobs/", headers={"Accept": "*/*"}).status_code == 200


BAD_QUERIES = [
    *({"page_size": size} for size in ("0", "-1", "abc", "10" * 12, "201", "")),
    *({"cursor": cursor} for cursor in ("abc", "", "bnVsbA", "WzAsIjciXQ", "WzAsMWU5OTld", "x" * 501, "WzAsdHJ1ZV0")),
    *({"cursor": cursor} for cursor in ("WzAsOTIyMzM3MjAzNjg1NDc3NTgwOF0", "[" * 400)),
    {"ordering": "password"},
    {"status": "Nope"},
    {"created__gt": "x"},
    {"created_after": "2026-02-30"},
    {"created_after": "99999-01-01T00:00:00Z"},
    {"search": "x" * 10_000},
    {"search": "a\0b"},
    {"parent": "7x"},
    {"parent": "9" * 30},
    {"dry_run": "perhaps"},
    {"job_type": "../../etc/passwd"},
    {"page": "1"},
    {"format": "api"},
]


@pytest.mark.parametrize("query", BAD_QUERIES, ids=lambda query: repr(query)[:40])
def test_wrong_query_is_refused_by_its_parameter(query: dict[str, str], api: Api) -> None:
    response = api.get("jobs/", **query)
    assert response.status_code == 400
    assert list(error_of(response)["fields"]) == list(query)


def test_parameter_given_twice_is_refused(api: Api) -> None:
    assert error_of(api.get("jobs/", status=["queued", "failed"]))["fields"] == {"status": ["Give it once."]}


def test_limit_of_the_body_is_a_setting(api: Api, job_type: SyncJobType, settings: LazySettings) -> None:
    settings.API_LARGEST_BODY = 10
    assert api.post("jobs/", {"job_type": "airports"}).status_code == 413
