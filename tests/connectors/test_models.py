"""Connector rows: what validates, what is refused with which words, and opening them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from connectors.errors import ConfigError
from connectors.models import Connector, EditConflict
from connectors.soda import SodaConnector
from connectors.surroundings import Interruption, Surroundings
from tests.appendix import CHICAGO, CONNECTORS, ERP
from tests.connectors.scripted_server import reply, scripted_server


def soda_row(**values: Any) -> Connector:
    config = {"base_url": "https://example.org", "datasets": {"a": "aaaa-bbbb"}}
    return Connector(**({"slug": "portal", "kind": "soda", "config": config} | values))


def soda_config(**values: Any) -> Connector:
    return soda_row(config={"base_url": "https://example.org", "datasets": {"a": "aaaa-bbbb"}} | values)


@pytest.mark.django_db
@pytest.mark.parametrize("shape", CONNECTORS, ids=lambda shape: shape["slug"])
def test_shapes_of_the_design_validate_and_save(shape: dict[str, Any]) -> None:
    connector = Connector(**shape)
    connector.full_clean()
    connector.save()
    loaded = Connector.objects.get(slug=shape["slug"])
    assert loaded.name == shape["slug"]
    assert loaded.config == shape["config"]
    assert loaded.credentials.reveal() == shape.get("credentials", {})
    assert loaded.version == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("make_row", "field", "text"),
    [
        (partial(soda_row, kind="sdoa"), "kind", "there is no connector kind 'sdoa'; the kinds are "),
        (partial(soda_row, kind=""), "kind", "cannot be blank"),
        (partial(soda_row, slug="Portal"), "slug", "Use small letters"),
        (partial(soda_row, slug="../../x"), "slug", "valid “slug”"),
        (partial(soda_row, slug="a/b"), "slug", "valid “slug”"),
        (partial(soda_row, slug="a.b"), "slug", "valid “slug”"),
        (partial(soda_row, slug="-a"), "slug", "Use small letters"),
        (partial(soda_row, slug="a\n"), "slug", "valid “slug”"),
        (partial(soda_row, slug="a" * 65), "slug", "at most 64 characters"),
        (partial(soda_row, slug=""), "slug", "cannot be blank"),
        (partial(soda_row, name="x" * 201), "name", "at most 200 characters"),
        (partial(soda_row, max_concurrency=0), "max_concurrency", "greater than or equal to 1"),
        (partial(soda_row, rate_limit_per_minute=-1), "rate_limit_per_minute", "greater than or equal to"),
        (partial(soda_row, config={}), "config", "config.base_url: is required"),
        (partial(soda_row, config=[]), "config", "config: must be an object"),
        (partial(soda_row, config=None), "config", "config: must be an object"),
        (
            partial(soda_config, page_szie=5),
            "config",
            "config.page_szie: is not known; there are base_url, datasets, api_version, time_zone",
        ),
        (partial(soda_config, page_size="5"), "config", "config.page_size: must be a whole number"),
        (
            partial(soda_config, page_size=50_001),
            "config",
            "config.page_size: 50001 is greater than the maximum of 50000",
        ),
        (partial(soda_config, datasets={}), "config", "config.datasets: "),
        (partial(soda_config, datasets={"a": "x"}), "config", "config.datasets.a: 'x' does not match"),
        (partial(soda_config, datasets={"a/b": "aaaa-bbbb"}), "config", "config.datasets: 'a/b' does not match"),
        (partial(soda_config, time_zone="Mars/Base"), "config", "'Mars/Base' is not a time zone"),
        (partial(soda_config, time_zone=""), "config", "is not a time zone"),
        (partial(soda_config, time_zone="UTC\0"), "config", "NUL character"),
        (partial(soda_config, base_url="javascript:alert(1)"), "config", "the URL begins with 'javascript:'"),
        (partial(soda_config, base_url="file:///etc/passwd"), "config", "the URL begins with 'file:'"),
        (partial(soda_config, base_url="https://user:pw-canary@example.org"), "config", "Use the credential fields"),
        (partial(soda_config, base_url="https://example.org:70000"), "config", "host or port is malformed"),
        (partial(soda_config, base_url="https://example.org/?a=b"), "config", "no '?'"),
        (partial(soda_config, base_url="http://169.254.169.254/latest"), "config", "SYNCDECK_NETWORK_ALLOW"),
        (partial(soda_config, base_url="http://10.0.0.1"), "config", "SYNCDECK_NETWORK_ALLOW"),
        (partial(soda_config, base_url="http://167772161"), "config", "SYNCDECK_NETWORK_ALLOW"),
        (partial(soda_row, credentials={"password": "pw-canary"}), "credentials", "credentials.password: is not known"),
        (partial(soda_row, credentials={"app_token": 5}), "credentials", "credentials.app_token: must be text"),
        (
            partial(soda_row, credentials={"app_token": ""}),
            "credentials",
            "credentials.app_token: does not have the expected",
        ),
        (
            partial(soda_row, credentials={"app_token": "pw-canary\0"}),
            "credentials",
            "credentials.app_token: holds a NUL",
        ),
        (
            partial(soda_row, credentials={"app_token": "pw-canary" * 9_000}),
            "credentials",
            "credentials.app_token: holds",
        ),
    ],
)
def test_wrong_rows_are_refused_by_their_property(make_row: Callable[[], Connector], field: str, text: str) -> None:
    connector = make_row()  # not before: its secrets are remembered
    with pytest.raises(ValidationError) as caught:
        connector.full_clean()
    assert text in " ".join(caught.value.message_dict[field])
    assert "pw-canary" not in str(caught.value)


@pytest.mark.django_db
def test_slug_is_unique() -> None:
    soda_row().save()
    with pytest.raises(ValidationError, match="already exists"):
        soda_row().full_clean()


@pytest.mark.django_db
def test_row_opens_as_its_kind_with_resolved_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_TOKEN", "t0ken-from-environment")
    connector = soda_row(credentials={"app_token": "env:PORTAL_TOKEN"}, rate_limit_per_minute=30)
    connector.save()
    surroundings = Surroundings(Interruption())
    runtime = Connector.objects.get(slug="portal").open(surroundings)
    assert isinstance(runtime, SodaConnector)
    assert runtime.credentials == {"app_token": "t0ken-from-environment"}
    assert runtime.surroundings.interruption is surroundings.interruption
    assert runtime.surroundings.turns is not None
    assert runtime.surroundings.turns.limit_per_minute == 30
    runtime.close()


def test_optional_token_whose_variable_is_unset_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHICAGO_API_TOKEN", raising=False)
    runtime = Connector(**CHICAGO).open()
    assert runtime.credentials == {}
    runtime.close()


def test_needed_reference_that_leads_nowhere_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ERP_PASSWORD", raising=False)
    with pytest.raises(ConfigError, match="env:ERP_PASSWORD, which is not set"):
        Connector(**ERP).open()


def test_disabled_row_does_not_open() -> None:
    connector = soda_row(enabled=False)
    with pytest.raises(ConfigError, match="'portal' is switched off") as caught:
        connector.open()
    assert caught.value.code == "connector_disabled"
    connector.open(even_disabled=True).close()


@pytest.mark.django_db
def test_second_of_two_edits_is_a_conflict() -> None:
    soda_row().save()
    first, second = Connector.objects.get(), Connector.objects.get()
    first.name, second.name = "First", "Second"
    first.save_if_unchanged()
    with pytest.raises(EditConflict, match="changed by someone else"):
        second.save_if_unchanged()
    saved = Connector.objects.get()
    assert (saved.name, saved.version) == ("First", 2)


@pytest.mark.django_db
def test_enabled_rows_are_found() -> None:
    soda_row().save()
    soda_row(slug="off", enabled=False).save()
    assert [connector.slug for connector in Connector.objects.enabled()] == ["portal"]


@pytest.mark.django_db
@pytest.mark.parametrize("status", [401, 403])
def test_connector_whose_credentials_are_refused_in_a_job_counts_as_failing(status: int) -> None:
    with scripted_server(reply(status)) as server:
        config = {"base_url": server.url, "datasets": {"places": "aaaa-0001"}}
        row = soda_row(config=config, last_test_ok=True)
        row.save()
        with closing(row.open(even_disabled=True)) as tested, pytest.raises(ConfigError):
            tested.count("places")
        assert Connector.objects.get().last_test_ok
        with closing(row.open()) as opened, pytest.raises(ConfigError):
            opened.count("places")
    noted = Connector.objects.get()
    assert noted.last_test_ok is False
    assert f"credentials refused by 127.0.0.1:{server.server_port} ({status})" in noted.last_test_message
