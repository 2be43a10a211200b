"""The page Audit: who may see it, its filters, differences and links, and what it costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from syncjobs.asking import Asker, Door, asking
from syncjobs.models import AuditEvent
from syncjobs.operations.auditing import record
from tests.lifecycle.factories import JobFactory, JobTypeFactory

pytestmark = pytest.mark.django_db
LIST = "/admin/audit/"


@pytest.fixture
def reader(client: Client) -> Client:
    """Somebody who may see jobs, types and the audit."""
    person = User.objects.create_user("ada", is_staff=True)
    names = ("view_auditevent", "view_syncjob", "view_syncjobtype", "view_connector")
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(person)
    return client


def note(number: int, **columns: Any) -> AuditEvent:
    """An entry about a type."""
    asker = Asker(columns.pop("door", Door.PORTAL), columns.pop("who", "ann"), ip="192.0.2.7")
    job_type = columns.pop("thing", None) or JobTypeFactory.create(slug=f"type-of-{number}")
    with asking(asker):
        record(columns.pop("verb", "job_type.update"), job_type, before={"timeout": 60}, after={"timeout": number})
    return AuditEvent.objects.latest("id")


def shown(client: Client, query: str) -> list[int]:
    return [entry.pk for entry, _, _ in client.get(f"{LIST}?{query}").context["rows"]]


def test_an_entry_is_shown_with_its_person_door_object_and_difference(reader: Client) -> None:
    entry = note(77)
    page = reader.get(LIST).content.decode()
    for text in ("ann", "Portal", "192.0.2.7", "job_type.update", "type-of-77", "timeout", "60", "77"):
        assert text in page
    whole = reader.get(f"{LIST}{entry.pk}/").content.decode()
    assert '<del class="old mono">60</del>' in whole
    assert '<ins class="new mono">77</ins>' in whole


def test_each_filter_finds_what_it_says_and_nonsense_finds_no_error(reader: Client) -> None:
    first = note(1)
    second = note(2, who="bob", door=Door.CLI, verb="job.cancel", thing=JobFactory.create(title="Night run"))
    job = second.object_id
    assert shown(reader, "who=bob") == shown(reader, "verb=job.cancel") == [second.pk]
    assert shown(reader, "door=cli") == shown(reader, f"object=job&id={job}") == shown(reader, "q=night") == [second.pk]
    assert shown(reader, "q=192.0.2.7&object=job_type") == [first.pk]
    today, later = timezone.localdate(), timezone.localdate() + timedelta(days=2)
    assert first.pk in shown(reader, f"since={today}&until={today}")
    assert shown(reader, f"since={later}") == shown(reader, "until=2020-01-01") == []
    for query in (
        "id=x",
        "since=now",
        "until=0001-01-01",
        "since=9999-12-31",
        "door=window",
        "q=%00",
        "id=99999999999999999999",
    ):
        assert reader.get(f"{LIST}?{query}").status_code == 200


def test_pages_go_on_by_number_and_keep_the_filters(reader: Client) -> None:
    job_type = JobTypeFactory.create()
    for number in range(60):
        note(number, thing=job_type)
    page = reader.get(f"{LIST}?verb=job_type.update").context["page"]
    assert len(page.rows) == 50
    rest = reader.get(f"{LIST}{page.next}")
    assert len(rest.context["page"].rows) == 10
    assert "verb=job_type.update" in page.next


def test_more_entries_cost_no_more_queries(reader: Client) -> None:
    note(1)
    reader.get(LIST)
    with CaptureQueriesContext(connection) as few:
        reader.get(LIST)
    for number in range(2, 30):
        note(number)
    with CaptureQueriesContext(connection) as many:
        reader.get(LIST)
    assert len(many) == len(few)


def test_only_those_with_the_permission_see_the_audit_and_links_to_it(reader: Client) -> None:
    job = JobFactory.create()
    entry = note(3, thing=job.job_type)
    addresses = (f"/admin/jobs/{job.pk}/", f"/admin/job-types/{job.job_type.slug}/")
    link = f'href="{LIST}?object='
    assert all(link in reader.get(address).content.decode() for address in addresses)
    User.objects.get(username="ada").user_permissions.remove(Permission.objects.get(codename="view_auditevent"))
    assert not any(link in reader.get(address).content.decode() for address in addresses)
    for address in (LIST, f"{LIST}{entry.pk}/"):
        assert reader.get(address).status_code == 403
    assert f'href="{LIST}"' not in reader.get("/admin/").content.decode()


def test_nobody_may_add_change_or_delete_and_an_unknown_entry_is_not_found(reader: Client) -> None:
    entry = note(4)
    assert reader.post(f"{LIST}{entry.pk}/").status_code == reader.post(LIST).status_code == 405
    assert reader.get(f"{LIST}{entry.pk + 1}/").status_code == reader.get(f"{LIST}{2**70}/").status_code == 404
    assert set(Permission.objects.filter(content_type__model="auditevent").values_list("codename", flat=True)) == {
        "view_auditevent"
    }


def test_what_people_typed_is_shown_as_text(reader: Client) -> None:
    note(5, who="<script>alert(1)</script>", thing=JobFactory.create(title="<b onclick=x>"))
    page = reader.get(LIST).content.decode()
    assert "<script>alert" not in page
    assert "<b onclick" not in page
