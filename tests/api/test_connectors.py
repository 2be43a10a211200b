"""Connectors made, changed and deleted by programs: what is refused, what is never told, and whose edit wins."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group

from connectors.models import Connector
from connectors.network import configure
from syncjobs.models import SyncJobType
from tests.api.conftest import Api, MakeApi, error_of, make_connectors

SECRET, OTHER = "heron-51c0dd2e", "plover-8817aa40"
SODA = {"base_url": "https://data.example.org", "datasets": {"crashes": "85ca-t3if"}}
WHOLE: dict[str, Any] = {
    "slug": "city",
    "name": "City",
    "kind": "soda",
    "config": SODA,
    "credentials": {"app_token": SECRET},
    "enabled": False,
    "max_concurrency": 4,
    "rate_limit_per_minute": 90,
}
SQLITE = {"slug": "store", "kind": "sqlite", "config": {"path": "api-crud.sqlite3"}}


@pytest.fixture
def city(api: Api) -> Connector:
    assert api.post("connectors/", WHOLE).status_code == 201
    return Connector.objects.get(slug="city")


def refused(response: Any, field: str, status: int = 400) -> str:
    error = error_of(response)
    assert response.status_code == status, error
    assert list(error["fields"]) == [field], error
    return " ".join(error["fields"][field])


def test_a_connector_is_made_with_all_that_is_given_and_tells_no_secret(api: Api) -> None:
    made = api.post("connectors/", WHOLE)
    assert (made.status_code, made["ETag"]) == (201, '"1"')
    assert made["Location"].endswith("/api/v1/connectors/city/")
    told = made.json()
    assert told["credentials_set"] == ["app_token"]
    assert {name: told[name] for name in WHOLE if name != "credentials"} == {
        name: value for name, value in WHOLE.items() if name != "credentials"
    }
    assert "credentials" not in told
    assert Connector.objects.get(slug="city").credentials.reveal() == {"app_token": SECRET}
    for answer in (made, api.get("connectors/city/"), api.get("connectors/")):
        assert SECRET not in answer.content.decode()


def test_credentials_are_set_replaced_kept_and_cleared_one_by_one(api: Api, city: Connector) -> None:
    def patch(**changes: Any) -> dict[str, Any]:
        etag = api.get("connectors/city/")["ETag"]
        answer = api.patch("connectors/city/", changes, **{"If-Match": etag})
        assert answer.status_code == 200, answer.content
        city.refresh_from_db()
        return dict(answer.json())

    assert patch(name="Town", max_concurrency=None)["credentials_set"] == ["app_token"]
    assert (city.name, city.max_concurrency, city.credentials.reveal()) == ("Town", None, {"app_token": SECRET})
    patch(credentials={"app_token": OTHER})
    assert city.credentials.reveal() == {"app_token": OTHER}
    assert patch(credentials={})["credentials_set"] == ["app_token"]
    assert patch(credentials={"app_token": None})["credentials_set"] == []
    assert city.credentials.reveal() == {}


def test_an_edit_says_of_which_version_it_is(api: Api, city: Connector) -> None:
    assert api.patch("connectors/city/", {"name": "x"}).status_code == 428
    assert error_of(api.delete("connectors/city/"))["code"] == "precondition_required"
    read = api.get("connectors/city/")["ETag"]
    first = api.patch("connectors/city/", {"name": "First"}, **{"If-Match": read})
    assert (first.status_code, first["ETag"], first.json()["version"]) == (200, '"2"', 2)
    stale = api.patch("connectors/city/", {"name": "Second"}, **{"If-Match": read})
    assert (stale.status_code, error_of(stale)["code"]) == (412, "precondition_failed")
    assert api.delete("connectors/city/", **{"If-Match": read}).status_code == 412
    assert refused(api.patch("connectors/city/", {"name": "x"}, **{"If-Match": "2"}), "If-Match").startswith("Write it")
    city.refresh_from_db()
    assert (city.name, city.version) == ("First", 2)
    weak = api.patch("connectors/city/", {"name": "Weak"}, **{"If-Match": '"1", W/"2"'})
    assert (weak.status_code, weak["ETag"]) == (200, '"3"'), "proxies make tags weak"
    assert api.delete("connectors/city/", **{"If-Match": "*"}).status_code == 204


def test_of_two_edits_at_once_one_loses(api: Api, city: Connector, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one is saved when the first has been checked already, and before it is written."""
    plain = Connector.full_clean

    def slowly(self: Connector, *args: Any, **kwargs: Any) -> None:
        Connector.objects.filter(pk=self.pk).update(version=9)
        plain(self, *args, **kwargs)

    monkeypatch.setattr(Connector, "full_clean", slowly)
    answer = api.patch("connectors/city/", {"name": "Second"}, **{"If-Match": '"1"'})
    assert (answer.status_code, error_of(answer)["code"]) == (412, "precondition_failed")
    assert Connector.objects.get(slug="city").name == "City"


def test_a_connector_in_use_stays_and_the_answer_names_the_types(api: Api, job_type: SyncJobType) -> None:
    answer = api.delete("connectors/store/", **{"If-Match": '"1"'})
    assert answer.status_code == 409
    assert "airports" in error_of(answer)["message"]
    assert Connector.objects.get(slug="store").version == 1
    job_type.delete()
    assert api.delete("connectors/store/", **{"If-Match": '"1"'}).status_code == 204
    assert api.get("connectors/store/").status_code == 404


def test_a_slug_is_given_once(api: Api, city: Connector) -> None:
    answer = api.post("connectors/", WHOLE | {"name": "Other"})
    assert "already" in refused(answer, "slug", 409)
    assert "small letters" in refused(api.post("connectors/", WHOLE | {"slug": "City"}), "slug")
    city.refresh_from_db()
    assert city.name == "City"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"slug": ""}, "slug"),
        ({"slug": "  "}, "slug"),
        ({"slug": "../../x"}, "slug"),
        ({"slug": "a/b"}, "slug"),
        ({"slug": "a\nb"}, "slug"),
        ({"slug": "<script>"}, "slug"),
        ({"slug": "\u202estore"}, "slug"),
        ({"slug": "a" * 65}, "slug"),
        ({"name": "a" * 256}, "name"),
        ({"name": 5}, "name"),
        ({"kind": "os.system"}, "kind"),
        ({"kind": ""}, "kind"),
        ({"config": []}, "config"),
        ({"config": {}}, "config"),
        ({"config": {"path": "x.sqlite3", "typo": 1}}, "config"),
        ({"config": {"path": 5}}, "config"),
        ({"credentials": {"password": SECRET}}, "credentials"),
        ({"credentials": {"password": 5}}, "credentials.password"),
        ({"credentials": [SECRET]}, "credentials"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"max_concurrency": 2**31}, "max_concurrency"),
        ({"max_concurrency": True}, "max_concurrency"),
        ({"rate_limit_per_minute": -1}, "rate_limit_per_minute"),
        ({"rate_limit_per_minute": 1.5}, "rate_limit_per_minute"),
        ({"enabled": "yes"}, "enabled"),
        ({"typo": 1}, "typo"),
        ({"id": 7}, "id"),
        ({"version": 7}, "version"),
        ({"created_at": "2026-01-01T00:00:00Z"}, "created_at"),
        ({"last_test_ok": True}, "last_test_ok"),
        ({"credentials_set": []}, "credentials_set"),
        ({"secret_scope": "x"}, "secret_scope"),
    ],
)
def test_what_no_connector_can_have_is_refused_by_its_field(changes: dict[str, Any], field: str, api: Api) -> None:
    answer = api.post("connectors/", SQLITE | changes)
    refused(answer, field)
    assert SECRET not in answer.content.decode()
    assert not Connector.objects.exists()


@pytest.mark.parametrize("changes", [{"slug": "other"}, {"kind": "sqlite"}, {"id": 7}, {"version": 7}])
def test_what_stays_for_good_can_not_be_changed(changes: dict[str, Any], api: Api, city: Connector) -> None:
    (field,) = changes
    refused(api.patch("connectors/city/", changes, **{"If-Match": "*"}), field)


def test_what_is_needed_is_told(api: Api) -> None:
    assert set(error_of(api.post("connectors/", {}))["fields"]) == {"slug", "kind"}


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "127.0.0.1", "[::1]", "10.1.2.3", "169.254.169.254", "0.0.0.0", "2130706433", "0x7f.1"),  # noqa: S104
        *("[::ffff:127.0.0.1]", "192.168.0.1", "172.16.0.1", "[fe80::1]", "[fd00:ec2::254]", "100.100.100.200"),
    ],
)
def test_no_connector_leads_into_the_own_network(host: str, api: Api, settings: LazySettings) -> None:
    configure([])
    try:
        answer = api.post("connectors/", WHOLE | {"config": SODA | {"base_url": f"http://{host}:8080"}})
        assert "its address is not a public one" in refused(answer, "config")
        assert error_of(answer)["code"] == "ssrf_blocked"
        host = host.strip("[]")
        postgres = {"slug": "erp", "kind": "postgres", "config": {"host": host, "dbname": "erp", "user": "sync"}}
        assert "its address is not a public one" in refused(api.post("connectors/", postgres), "config")
    finally:
        configure(settings.SYNCDECK_NETWORK_ALLOW)
    assert not Connector.objects.exists()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("javascript:alert(1)", "begins with"),
        ("file:///etc/passwd", "begins with"),
        ("gopher://data.example.org", "begins with"),
        ("ftp://data.example.org", "begins with"),
        (f"https://user:{SECRET}@data.example.org", "credential fields"),
        ("https://data.example.org:0", "port"),
        ("https://data.example.org:70000", "port"),
        ("https://data.example.org:abc", "port"),
        ("https://", "no host"),
    ],
)
def test_no_url_but_a_plain_one_of_http_is_taken(url: str, words: str, api: Api) -> None:
    answer = api.post("connectors/", WHOLE | {"credentials": {}, "config": SODA | {"base_url": url}})
    assert words in refused(answer, "config")
    assert SECRET not in answer.content.decode()


@pytest.mark.parametrize("port", [0, 70_000, -1, "abc", "5432", 1.5, True])
def test_no_port_but_one_of_tcp_is_taken(port: Any, api: Api) -> None:
    config = {"host": "db.example.org", "port": port, "dbname": "erp", "user": "sync"}
    assert "port" in refused(api.post("connectors/", {"slug": "erp", "kind": "postgres", "config": config}), "config")


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/passwd", "\\\\server\\share", "/dev/zero", "a/../../b", " ", "..", "x\\y"]
)
def test_no_path_leads_out_of_the_roots(path: str, api: Api) -> None:
    answer = api.post("connectors/", SQLITE | {"config": {"path": path}})
    refused(answer, "config")
    assert error_of(answer)["code"] == "outside_root"
    files = {"slug": "exports", "kind": "files", "config": {"root": path, "format": "csv"}}
    refused(api.post("connectors/", files), "config")


def test_names_of_any_script_are_stored_as_they_are(api: Api) -> None:
    name = "<script>alert(1)</script> \u202etxt.exe é 😀"
    assert api.post("connectors/", SQLITE | {"name": name}).json()["name"] == name


def test_rights_are_those_of_the_portal(make_api: MakeApi, api: Api) -> None:
    make_connectors()
    viewer, editor = make_api("view_connector"), make_api("view_connector", "add_connector", "change_connector")
    match = {"If-Match": "*"}
    assert viewer.post("connectors/", SQLITE).status_code == 403
    assert viewer.patch("connectors/store/", {"name": "x"}, **match).status_code == 403
    assert editor.delete("connectors/store/", **match).status_code == 403
    assert viewer.post("connectors/store/test/").status_code == 403
    assert editor.patch("connectors/store/", {"name": "x"}, **match).status_code == 200
    reader = make_api("view_connector", "change_connector", scopes=("config:read",))
    assert reader.patch("connectors/store/", {"name": "y"}, **match).status_code == 403


def test_who_may_not_set_credentials_neither_sets_nor_redirects_them(make_api: MakeApi, city: Connector) -> None:
    editor, match = make_api("view_connector", "add_connector", "change_connector"), {"If-Match": "*"}
    elsewhere = SODA | {"base_url": "https://elsewhere.example.org"}
    refused(editor.patch("connectors/city/", {"credentials": {"app_token": None}}, **match), "credentials", 403)
    refused(editor.patch("connectors/city/", {"config": elsewhere}, **match), "config", 403)
    refused(editor.post("connectors/", WHOLE | {"slug": "own"}), "credentials", 403)
    assert editor.post("connectors/", WHOLE | {"slug": "own", "credentials": {}}).status_code == 201
    city.refresh_from_db()
    assert (city.config, city.credentials.reveal()) == (SODA, {"app_token": SECRET})


def test_grants_are_read_by_all_and_given_by_those_who_may(make_api: MakeApi, api: Api, city: Connector) -> None:
    Group.objects.create(name="Finance")
    editor, match = make_api("view_connector", "add_connector", "change_connector"), {"If-Match": "*"}
    assert editor.patch("connectors/city/", {"grants": ["Finance"]}, **match).status_code == 403
    refused(api.patch("connectors/city/", {"grants": ["Nobody"]}, **match), "grants")
    refused(api.post("connectors/", SQLITE | {"grants": ["Nobody"]}), "grants")
    assert not Connector.objects.filter(slug="store").exists()
    assert editor.get("connectors/city/").json()["grants"] == []
    assert api.patch("connectors/city/", {"grants": ["Finance"]}, **match).json()["grants"] == ["Finance"]
    assert editor.get("connectors/city/").status_code == 404
    assert [one["slug"] for one in editor.get("connectors/").json()["results"]] == []
    assert [one["grants"] for one in api.get("connectors/").json()["results"]] == [["Finance"]]
