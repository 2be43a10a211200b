"""Changes and rejects as files for spreadsheets, in which nothing that strangers wrote becomes a formula."""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.test import Client
from django.utils import timezone

from syncjobs.fingerprints import key_hash
from syncjobs.models import Change, JobBatch, Reject, SyncJob
from syncjobs.portal import csv_downloads
from syncjobs.portal.csv_downloads import safe_cell
from tests.portal.conftest import MakeJob, MakeStaff


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ('=cmd|" /C calc"!A0', '\'=cmd|" /C calc"!A0'),
        ("+1+1", "'+1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        (-1, "-1"),
        ("-1", "-1"),
        ("+49.5", "+49.5"),
        ("-1.5e-7", "-1.5e-7"),
        ("-", "'-"),
        ("plain = text", "plain = text"),
        (None, ""),
        (True, "true"),
        ({"a": "=1"}, '{"a": "=1"}'),
    ],
)
def test_cell_never_begins_as_a_formula(value: object, cell: str) -> None:
    assert safe_cell(value) == cell


def download(client: Client, address: str) -> list[list[str]]:
    answer = client.get(address)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return list(csv.reader(io.StringIO(answer.getvalue().decode(), newline="")))


def keep_changes(job: SyncJob, number: int) -> None:
    batch = JobBatch.objects.create(job=job, stream="airports", batch_no=1, created_at=timezone.now())
    for key in ({"icao": f"=K{one}"} for one in range(number)):
        fields = {"name": ["=old", '=HYPERLINK("x")'], "=lat": [None, -1]}
        shared = {"job": job, "batch": batch, "stream": "airports", "operation": "update"}
        Change.objects.create(**shared, key=key, key_hash=key_hash(key), fields=fields)


def test_changes_are_downloaded_field_by_field_within_their_filter(
    portal: Client, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_downloads, "AT_ONCE", 3)
    job, other = make_job(), make_job()
    keep_changes(job, 7)
    keep_changes(other, 1)
    page = portal.get(f"/admin/jobs/{job.pk}/changes/?operation=update").content.decode()
    link = re.search(r'href="([^"]+)" download', page)
    assert link is not None
    header, *lines = download(portal, link[1].replace("&amp;", "&"))
    assert header == ["stream", "operation", "key", "field", "old", "new"]
    assert len(lines) == 14
    assert lines[0] == ["airports", "update", '{"icao": "=K0"}', "name", "'=old", '\'=HYPERLINK("x")']
    assert lines[1] == ["airports", "update", '{"icao": "=K0"}', "'=lat", "", "-1"]
    address = f"/admin/jobs/{job.pk}/changes/download/"
    assert len(download(portal, f"{address}?key=%3DK3")) == 3
    assert len(download(portal, f"{address}?operation=delete")) == 1
    assert download(portal, f"{address}?raw=1")[1][4:] == ["=old", '=HYPERLINK("x")']


def test_rejects_are_downloaded_without_their_records(portal: Client, make_job: MakeJob) -> None:
    job = make_job()
    batch = JobBatch.objects.create(
        job=job, stream="airports", batch_no=1, created_at=timezone.now(), state=JobBatch.State.COMMITTED.value
    )
    shared = {"job": job, "job_type": job.job_type, "batch": batch, "stream": "airports", "created_at": timezone.now()}
    why = {"code": "type", "message": "=1 is no number", "pattern": "p", "fingerprint": "f", "field": "lat"}
    Reject.objects.create(**shared, **why, key={"icao": "KJFK"}, record='{"lat": "kept apart"}')
    for page in (f"/admin/jobs/{job.pk}/rejects/", "/admin/rejects/records/"):
        link = re.search(r'href="([^"]+)" download', portal.get(page).content.decode())
        assert link is not None
        _, line = download(portal, link[1].replace("&amp;", "&"))
        expected = ["airports", str(job.pk), "airports", '{"icao": "KJFK"}', "lat", "type", "'=1 is no number", "open"]
        assert line == expected


def test_who_may_not_look_may_not_download(make_job: MakeJob, make_staff: MakeStaff) -> None:
    job = make_job()
    for address in (f"/admin/jobs/{job.pk}/changes/download/", "/admin/rejects/records/download/"):
        assert make_staff().get(address).status_code == 403
