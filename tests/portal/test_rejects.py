"""The rejects workbench over real runs: reasons, records, one record; replayed by a mended mapping, or dismissed."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connectors.models import Connector
from syncjobs.models import Reject, SyncJob, SyncJobType
from syncjobs.operations.job_types import save_job_type
from syncjobs.portal import reject_action_views
from tests.portal.conftest import ATTACK, MakeStaff
from tests.streams.conftest import people, run, run_here
from tests.streams.people import MAPPING, People, people_at

__all__ = ["people"]
MENDED = [
    rule | {"transforms": [{"op": "null_if", "values": ["n/a"]}]} if rule["to"] == "age" else rule for rule in MAPPING
]


@pytest.fixture
def target(transactional_db: None, target: Connector) -> str:
    """For `people`: where they are written."""
    return target.slug


@pytest.fixture
def job(people: People) -> SyncJob:
    """A finished job of ten records, of which 3, 4 and 8 were set aside."""
    people.add(*range(10))
    people.add(3, 4, age="n/a")
    people.add(8, age=f"{ATTACK}{{{{7*7}}}}")
    return run(people.job_type())


def read(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def address_of(text: str, verb: str) -> str:
    """Where the first link with this word leads."""
    found = re.search(rf'href="(/admin/rejects/{verb}/\?[^"]+)"', text)
    assert found is not None
    return found[1].replace("&amp;", "&")


def states() -> dict[int, str]:
    return {one.key["id"]: one.state for one in Reject.objects.all()}


def mend(job_type: SyncJobType) -> None:
    job_type.config["streams"][0]["mapping"] = MENDED
    save_job_type(job_type, actor="ann")


def test_open_rejects_stand_by_reason_and_lead_to_their_records(portal: Client, job: SyncJob) -> None:
    text = read(portal, "/admin/rejects/")
    assert "age value … is not a number" in text
    assert "wrong_type" in text
    assert '<span class="count warn">3</span>' in text, "the menu says how many are open"
    records = read(portal, address_of(text, "records"))
    ids = [Reject.objects.get(key={"id": one}).pk for one in (8, 4, 3)]
    assert re.findall(r'href="/admin/rejects/(\d+)/"', records) == [str(pk) for pk in ids]
    one = read(portal, f"/admin/rejects/{ids[0]}/")
    assert "8@example.org" in one
    for shown in (text, records, one):
        assert ATTACK not in shown
    assert "&lt;script&gt;" in one
    assert "{{7*7}}" in one


def test_the_jobs_own_tab_shows_the_same(portal: Client, job: SyncJob) -> None:
    overview = read(portal, f"/admin/jobs/{job.pk}/")
    assert f'href="/admin/jobs/{job.pk}/rejects/"' in overview
    text = read(portal, f"/admin/jobs/{job.pk}/rejects/")
    assert "age value … is not a number" in text
    assert f"job={job.pk}" in address_of(text, "replay")
    assert "There is no such reject" in read(portal, f"/admin/jobs/{job.pk}/rejects/?state=healed")


def test_rejects_are_replayed_through_the_mended_mapping(portal: Client, job: SyncJob) -> None:
    mend(job.job_type)
    address = address_of(read(portal, f"/admin/jobs/{job.pk}/rejects/"), "replay")
    question = read(portal, address)
    assert "Replay 3 rejects?" in question
    assert states() == {3: "open", 4: "open", 8: "open"}, "asking does nothing"
    answer = portal.post(address, {"confirmed": "yes"}, follow=True)
    replay = SyncJob.objects.latest("pk")
    assert f"Job #{replay.pk} replays 3 rejects by the mapping of today." in answer.content.decode()
    assert replay.trigger_type == "manual"
    run_here(replay)
    assert states() == {3: "replayed", 4: "replayed", 8: "open"}
    assert job.job_type.target_connector is not None
    assert set(people_at(job.job_type.target_connector)) == {*range(10)} - {8}
    assert f"job #{replay.pk}" in read(portal, f"/admin/rejects/{Reject.objects.get(key={'id': 3}).pk}/")


def test_ticked_rejects_are_dismissed_with_a_reason(portal: Client, job: SyncJob) -> None:
    address = address_of(read(portal, "/admin/rejects/"), "dismiss")
    ticked = {"ticked": "yes", "_selected_action": [str(Reject.objects.get(key={"id": 3}).pk)]}
    assert "Dismiss 1 reject?" in portal.post(address, ticked).content.decode()
    refused = portal.post(address, ticked | {"confirmed": "yes", "reason": " "})
    assert refused.status_code == 422
    assert states()[3] == "open"
    answer = portal.post(address, ticked | {"confirmed": "yes", "reason": "left the firm"}, follow=True)
    assert "1 reject is dismissed." in answer.content.decode()
    assert states() == {3: "dismissed", 4: "open", 8: "open"}
    shown = read(portal, f"/admin/rejects/{ticked['_selected_action'][0]}/")
    assert "left the firm" in shown
    assert "by anna" in shown
    assert "/rejects/replay/" not in shown
    for state, number in (("dismissed", 1), ("open", 2), ("any", 3)):
        records = read(portal, f"/admin/rejects/records/?state={state}")
        assert len(re.findall(r'href="/admin/rejects/\d+/"', records)) == number


def test_nothing_ticked_or_nothing_open_is_told(portal: Client, job: SyncJob) -> None:
    address = address_of(read(portal, "/admin/rejects/"), "replay")
    assert "Tick open rejects first." in portal.post(address, {"ticked": "yes"}, follow=True).content.decode()
    Reject.objects.update(state="healed")
    assert "None of these rejects is open any more." in portal.post(address, follow=True).content.decode()
    assert "No reject is open" in read(portal, "/admin/rejects/")
    assert "age value … is not a number" in read(portal, "/admin/rejects/?state=any")


def test_rejects_of_several_types_are_replayed_type_by_type(portal: Client, job: SyncJob, people: People) -> None:
    run(people.job_type(type_={"slug": "others", "name": "Others"}))
    answer = portal.post("/admin/rejects/replay/", {"confirmed": "yes"}, follow=True).content.decode()
    assert "These rejects are of several job types; replay them type by type." in answer
    assert len(re.findall(r"age value … is not a number", read(portal, "/admin/rejects/?type=others"))) == 1


def test_what_is_done_at_once_is_bounded(portal: Client, job: SyncJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reject_action_views, "MOST_AT_ONCE", 2)
    address = address_of(read(portal, "/admin/rejects/"), "dismiss")
    assert "These are the oldest" in read(portal, address)
    portal.post(address, {"confirmed": "yes", "reason": "known"})
    assert states() == {3: "dismissed", 4: "dismissed", 8: "open"}


def test_a_dry_runs_rejects_are_shown_with_its_job_only(portal: Client, people: People) -> None:
    people.add(1)
    people.add(2, age="n/a")
    planned = run(people.job_type(), dry_run=True)
    assert "No reject is open" in read(portal, "/admin/rejects/")
    text = read(portal, f"/admin/jobs/{planned.pk}/rejects/")
    assert "age value … is not a number" in text
    assert "/rejects/replay/" not in text


def test_masked_fields_stay_masked(portal: Client, people: People) -> None:
    people.add(1, 2, email="secret@example.org")
    people.add(2, age="n/a")
    streams = people.job_type(type_={"slug": "unmasked"}).config["streams"]
    run(people.job_type(type_={"config": {"streams": streams, "masked_fields": ["email"]}}))
    reject = Reject.objects.get()
    for address in ("/admin/rejects/", "/admin/rejects/records/", f"/admin/rejects/{reject.pk}/"):
        assert "secret@example.org" not in read(portal, address)
    assert "parts of it are masked or cut" in read(portal, f"/admin/rejects/{reject.pk}/")


def test_a_viewer_looks_at_rejects_and_does_nothing_to_them(make_staff: MakeStaff, job: SyncJob) -> None:
    viewer, stranger = make_staff("view_syncjob"), make_staff("view_connector")
    pages = ("/admin/rejects/", "/admin/rejects/records/", f"/admin/jobs/{job.pk}/rejects/")
    for address in (*pages, f"/admin/rejects/{Reject.objects.all()[0].pk}/"):
        text = read(viewer, address).partition("<main")[2]
        assert "/rejects/replay/" not in text, address
        assert "/rejects/dismiss/" not in text, address
        assert stranger.get(address).status_code == 403
    for verb in ("replay", "dismiss"):
        asked = {"confirmed": "yes", "reason": "no"}
        assert viewer.post(f"/admin/rejects/{verb}/", asked).status_code == 403
    assert set(states().values()) == {"open"}


@pytest.mark.parametrize(
    "query", ["job=x", "job=" + "9" * 30, "state=odd&type=%00&reason=%00", "from=-1", "stream=%F0"]
)
def test_odd_addresses_break_nothing(portal: Client, job: SyncJob, query: str) -> None:
    for page in ("", "records/", "replay/", "dismiss/"):
        assert portal.get(f"/admin/rejects/{page}?{query}").status_code in (200, 302)
    assert portal.get("/admin/rejects/99999999999999999999/").status_code == 404


def test_the_pages_cost_the_same_however_many_rejects(portal: Client, job: SyncJob, people: People) -> None:
    def cost(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            read(portal, address)
        return len(queries)

    pages = ("/admin/rejects/", "/admin/rejects/records/", f"/admin/jobs/{job.pk}/rejects/")
    before = [cost(address) for address in pages]
    people.add(*range(20, 40), age="old")
    people.add(*range(50, 60), email="x" * 10, boss="nobody")
    run(SyncJobType.objects.get(slug="people"))
    assert [cost(address) for address in pages] == before
