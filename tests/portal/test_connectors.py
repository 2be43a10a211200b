"""The connectors' pages: the test with its steps, and a form in which secrets only go in."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest
from django.test import Client

from connectors.models import ConnectionTest, Connector
from tests.portal.conftest import SECRET

PAGE = "/admin/connectors/open-data/"
SODA = {"slug": "second", "enabled": "on", "config-base_url": "http://127.0.0.1:9"}
SODA |= {"config-datasets": '{"airports": "aaaa-bbbb"}'}


def typed(connector: Connector, **changes: Any) -> dict[str, Any]:
    """What a browser posts for the form of `open-data`, with changes; password fields are always empty at first."""
    values = {"name": "Open data", "enabled": "on", "version": str(connector.version)}
    values |= {name: text for name, text in SODA.items() if name.startswith("config-")}
    return values | {"secret-app_token": ""} | {name.replace("__", "-"): value for name, value in changes.items()}


def secrets_of(connector: Connector) -> dict[str, str]:
    return Connector.objects.get(pk=connector.pk).credentials.reveal()


def test_the_page_says_that_a_secret_is_set_and_not_which(portal: Client, source: Connector) -> None:
    text = portal.get(PAGE).content.decode()
    assert "<dt>App token</dt><dd>set</dd>" in text
    assert SECRET not in text
    source.credentials = {}
    source.save()
    assert "<dt>App token</dt><dd>not set</dd>" in portal.get(PAGE).content.decode()


def test_a_secret_left_empty_is_kept(portal: Client, source: Connector) -> None:
    response = portal.post(PAGE + "edit/", typed(source, name="Renamed"), follow=True)
    assert "is saved" in response.content.decode()
    assert Connector.objects.get(pk=source.pk).name == "Renamed"
    assert secrets_of(source) == {"app_token": SECRET}


def test_a_new_secret_replaces_the_old_one(portal: Client, source: Connector) -> None:
    response = portal.post(PAGE + "edit/", typed(source, secret__app_token="another-secret-value"), follow=True)
    assert secrets_of(source) == {"app_token": "another-secret-value"}
    assert "another-secret-value" not in response.content.decode()


def test_a_secret_goes_only_when_that_is_said(portal: Client, source: Connector) -> None:
    portal.post(PAGE + "edit/", typed(source, clear__app_token="on"))
    assert secrets_of(source) == {}


def test_a_new_secret_and_its_removal_at_once_are_refused(portal: Client, source: Connector) -> None:
    changes = {"clear__app_token": "on", "secret__app_token": "another-secret-value"}
    response = portal.post(PAGE + "edit/", typed(source, **changes))
    assert response.status_code == 422
    assert "not both" in response.content.decode()
    assert secrets_of(source) == {"app_token": SECRET}


def test_a_refused_form_does_not_give_the_typed_secret_back(portal: Client, source: Connector) -> None:
    changes = {"secret__app_token": "another-secret-value", "config__base_url": "not an address"}
    response = portal.post(PAGE + "edit/", typed(source, **changes))
    assert response.status_code == 422
    assert "another-secret-value" not in response.content.decode()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"config__base_url": ""}, "This field is required"),
        ({"config__base_url": "http://x.example/?a=b"}, "base_url"),
        ({"config__datasets": "{"}, "Not valid JSON"),
        ({"config__datasets": '{"airports": 7}'}, "datasets"),
        ({"max_concurrency": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_is_said_at_its_field(
    portal: Client, source: Connector, changes: dict[str, str], complaint: str
) -> None:
    response = portal.post(PAGE + "edit/", typed(source, **changes))
    text = response.content.decode()
    assert response.status_code == 422
    problems = [part.split("</span>")[0] for part in text.split('class="problem"')[1:]]
    assert [problem for problem in problems if complaint in problem], problems
    assert Connector.objects.get(pk=source.pk).version == source.version


def test_a_forbidden_address_is_refused_with_the_setting_that_would_allow_it(portal: Client, source: Connector) -> None:
    response = portal.post(PAGE + "edit/", typed(source, config__base_url="http://10.1.2.3"))
    assert response.status_code == 422
    assert "SYNCDECK_NETWORK_ALLOW" in response.content.decode()


def test_an_edit_of_what_somebody_else_saved_meanwhile_is_refused(portal: Client, source: Connector) -> None:
    form = typed(source, name="Mine")
    portal.post(PAGE + "edit/", typed(source, name="Theirs"))
    response = portal.post(PAGE + "edit/", form)
    assert "was changed by someone else" in response.content.decode()
    assert Connector.objects.get(pk=source.pk).name == "Theirs"


def test_a_connector_is_added_by_kind(portal: Client, source: Connector) -> None:
    kinds = portal.get("/admin/connectors/-/add/").content.decode()
    assert all(f"?kind={kind}" in kinds for kind in ("postgres", "soda", "sqlite"))
    address = "/admin/connectors/-/add/?kind=soda"
    assert "null</textarea>" not in portal.get(address).content.decode()
    response = portal.post(address, SODA | {"secret-app_token": "env:TOKEN_OF_SECOND"}, follow=True)
    assert "Test it to see" in response.content.decode()
    added = Connector.objects.get(slug="second")
    assert (added.kind, added.config["datasets"]) == ("soda", {"airports": "aaaa-bbbb"})
    assert secrets_of(added) == {"app_token": "env:TOKEN_OF_SECOND"}


def test_a_rest_service_is_added_by_the_examples_beside_its_fields(portal: Client, db: None) -> None:
    address = "/admin/connectors/-/add/?kind=rest"
    page = unescape(portal.get(address).content.decode())
    login, streams = '{"kind": "basic", "user": "sync"}', page.split("such as [", 1)[1].split("].", 1)[0]
    assert login in page
    values = {"slug": "service", "enabled": "on", "config-base_url": "http://127.0.0.1:9", "config-auth": login}
    values |= {"config-streams": f"[{streams}]"}
    answer = portal.post(address, values)
    assert answer.status_code == 302, answer.content.decode()
    assert Connector.objects.get(slug="service").config["streams"][0]["records"] == "data.items"


@pytest.mark.parametrize("slug", ["open-data", "a/b", "", "Größe", "-x"])
def test_a_slug_that_cannot_be_is_refused(portal: Client, source: Connector, slug: str) -> None:
    response = portal.post("/admin/connectors/-/add/?kind=soda", SODA | {"slug": slug})
    assert response.status_code == 422
    assert Connector.objects.count() == 1


def test_a_test_shows_each_step_and_keeps_the_result(portal: Client, target: Connector) -> None:
    response = portal.post("/admin/connectors/store/test/", follow=True)
    text = response.content.decode()
    test = ConnectionTest.objects.get()
    assert test.ok, test.steps
    assert "The test of store passed" in text
    for step in test.steps:
        assert step["name"].capitalize() in text
    assert '<span class="pill ok">Works</span>' in portal.get("/admin/connectors/").content.decode()


def test_a_failed_test_says_what_to_mend_while_it_goes_on(portal: Client, source: Connector) -> None:
    response = portal.post(PAGE + "test/", headers={"X-Live-Steps": "yes"})
    lines = [json.loads(line) for line in response.getvalue().decode().splitlines()]
    steps = ConnectionTest.objects.get().steps
    assert [line["what"] for line in lines] == ["begin", *("step" for _ in steps), "health", "end"]
    assert "Testing" in lines[0]["html"]
    assert '<span class="bad-word">failed</span>' in lines[-3]["html"]
    assert "1 test, 1 failed" in lines[-2]["html"]
    assert "To mend it:" in lines[-3]["html"]
    assert '<span class="pill bad">Fails</span>' in lines[-1]["html"]
    assert [step["ok"] for step in steps].count(False) == 1
    assert not [line for line in lines if SECRET in line["html"] or "<html" in line["html"]]


def test_a_connector_whose_key_is_lost_still_shows_its_page(portal: Client, source: Connector) -> None:
    Connector.objects.update(credentials=Connector._meta.get_field("credentials").to_python("v1.unknown.AAAA"))
    assert "unreadable" in portal.get(PAGE).content.decode()
    assert portal.get(PAGE + "edit/").status_code == 200
