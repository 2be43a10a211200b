"""The versions of a type: what differs between two, and taking one into use again; nobody does so without the right."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from syncjobs.models import JobTypeVersion, SyncJobType
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_type_differences import Difference, list_differences
from syncjobs.operations.job_type_versions import use_version_again
from syncjobs.operations.job_types import save_job_type
from tests.portal.conftest import ATTACK, MakeStaff

PAGE = "/admin/job-types/airports/"
INSIDE = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
USE = f"{PAGE}versions/1/use/"


@pytest.fixture
def second(job_type: SyncJobType) -> SyncJobType:
    """The type at its second version: other mode, a mapping, a longer limit."""
    stream = job_type.config["streams"][0] | {"mode": "mirror", "mapping": [{"to": "icao", "from": ATTACK}]}
    job_type.config, job_type.timeout = {"streams": [stream]}, 600
    return save_job_type(job_type, actor="bert")


def test_each_field_that_differs_is_shown_old_and_new(portal: Client, second: SyncJobType) -> None:
    text = portal.get(f"{PAGE}versions/?from=1&to=2").content.decode()
    assert "3 differences" in text
    assert f"streams{INSIDE}airports{INSIDE}mode" in text
    assert ("&quot;upsert&quot;" in text, "&quot;mirror&quot;" in text) == (True, True)
    assert ATTACK not in text
    backwards = portal.get(f"{PAGE}versions/?from=2&to=1").content.decode()
    assert "From version 2 to version 1" in backwards


def test_the_newest_two_are_compared_at_first_and_unknown_ones_are_not_found(
    portal: Client, second: SyncJobType
) -> None:
    assert "From version 1 to version 2" in portal.get(f"{PAGE}versions/").content.decode()
    for query in ("from=7", "to=0", "to=x", "to=99999999999999999999"):
        assert portal.get(f"{PAGE}versions/?{query}").status_code == 404


def test_an_earlier_version_is_used_again_as_a_new_one(portal: Client, second: SyncJobType) -> None:
    first = JobTypeVersion.objects.get(job_type=second, number=1).snapshot
    asked = portal.get(USE).content.decode()
    assert f"streams{INSIDE}airports{INSIDE}mode" in asked
    assert SyncJobType.objects.get().version == 2
    told = portal.post(USE, {"seen": "2"}, follow=True).content.decode()
    assert "is saved as version 3, with what it was in version 1." in told
    second.refresh_from_db()
    assert (second.version, second.snapshot()) == (3, first)
    newest = JobTypeVersion.objects.filter(job_type=second)[0]
    assert (newest.number, newest.created_by, newest.snapshot) == (3, "anna", first)


def test_a_version_is_not_used_over_what_somebody_saved_meanwhile(portal: Client, second: SyncJobType) -> None:
    response = portal.post(USE, {"seen": "1"})
    assert response.status_code == 422
    assert "was changed by someone else" in response.content.decode()
    assert SyncJobType.objects.get().version == 2


def test_a_version_whose_connector_is_gone_says_so(portal: Client, second: SyncJobType) -> None:
    version = JobTypeVersion.objects.get(job_type=second, number=1)
    version.snapshot["source_connector"] = "gone"
    version.save()
    assert "There is no connector &#x27;gone&#x27;" in portal.get(USE).content.decode()
    assert portal.post(USE, {"seen": "2"}).status_code == 422
    with pytest.raises(ValidationError):
        use_version_again(second, version, actor="anna")


def test_a_query_of_an_earlier_version_needs_its_right_again(second: SyncJobType) -> None:
    version = JobTypeVersion.objects.get(job_type=second, number=1)
    save_connector(connector_from_shape({"slug": "shop", "kind": "sqlite", "config": {"path": "shop.sqlite3"}}))
    version.snapshot["config"]["streams"][0]["query"] = "SELECT 1 AS icao"
    version.snapshot["source_connector"] = "shop"
    user = User.objects.create_user("without")
    with pytest.raises(ValidationError, match="Custom queries can only be added"):
        use_version_again(second, version, actor="without", user=user)


def test_a_pause_outlives_the_use_of_an_earlier_version(portal: Client, second: SyncJobType) -> None:
    portal.post(f"{PAGE}pause/", {"resume_at": ""})
    portal.post(USE, {"seen": "3"})
    second.refresh_from_db()
    assert (second.paused_at is not None, second.timeout) == (True, 300)


def test_a_viewer_compares_and_uses_nothing(make_staff: MakeStaff, second: SyncJobType) -> None:
    viewer = make_staff("view_syncjobtype")
    page = viewer.get(f"{PAGE}versions/").content.decode()
    assert "3 differences" in page
    assert "Use again" not in page
    assert viewer.get(USE).status_code == viewer.post(USE, {"seen": "2"}).status_code == 403
    assert make_staff().get(f"{PAGE}versions/").status_code == 403


def test_more_versions_take_no_more_queries(portal: Client, second: SyncJobType) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            portal.get(f"{PAGE}versions/")
        return len(counted)

    few = queries()
    for number in range(20):
        second.timeout = 700 + number
        save_job_type(second, actor="anna")
    assert queries() == few


RULES = [{"to": "a", "from": "a"}, {"to": "b", "from": "b"}]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"x": 1}, {"x": 1}, []),
        ({"x": 1}, {"x": True}, [(("x",), 1, True)]),
        ({"x": "1"}, {"x": 1}, [(("x",), "1", 1)]),
        ({"mapping": RULES}, {"mapping": RULES[::-1]}, [(("mapping", "order"), ["a", "b"], ["b", "a"])]),
        ({"mapping": RULES}, {"mapping": RULES[1:]}, [(("mapping", "a"), RULES[0], None)]),
        ({}, {"mapping": RULES[:1]}, [(("mapping", "a"), None, RULES[0])]),
        ({"filters": [{"op": "eq"}]}, {"filters": [{"op": "ne"}]}, [(("filters", "1.", "op"), "eq", "ne")]),
        ({"key": ["a"]}, {"key": ["a", "b"]}, [(("key",), ["a"], ["a", "b"])]),
        ({"streams": "x"}, {"streams": [{"a": 1}]}, [(("streams",), "x", [{"a": 1}])]),
    ],
    ids=["same", "bool", "text", "order", "gone", "first", "chain", "key", "odd"],
)
def test_differences_are_told_field_by_field(old: dict[str, Any], new: dict[str, Any], expected: list[Any]) -> None:
    found = list_differences(old, new)
    assert [(one.place, one.old, one.new) for one in found] == expected


def test_a_missing_field_is_no_null() -> None:
    assert list_differences({}, {"x": None}) == [Difference(("x",), None, None, was_there=False)]
