"""Credentials at rest: encrypted, bound to their row, readable with any listed key, and silent everywhere else."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import secrets as random_secrets
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import serializers
from django.core.management import call_command
from django.db import connection, transaction
from django.forms.models import model_to_dict
from django.test import RequestFactory
from django.views.debug import ExceptionReporter
from rest_framework.renderers import JSONRenderer
from rest_framework.serializers import ModelSerializer

from connectors.errors import ConfigError
from connectors.models import Connector
from connectors.secrets import Secrets, redact

pytestmark = pytest.mark.django_db
CANARY = "S3cr3t-CANARY-9f2"


def make_key() -> str:
    return base64.urlsafe_b64encode(random_secrets.token_bytes(32)).decode()


def make_connector(slug: str, token: str = CANARY) -> Connector:
    return Connector.objects.create(
        slug=slug,
        kind="soda",
        config={"base_url": "https://example.org", "datasets": {"a": "aaaa-bbbb"}},
        credentials={"app_token": token},
    )


def stored(slug: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM connectors_connector WHERE slug = %s", [slug])
        return str(cursor.fetchone()[0])


def test_credentials_come_back_as_they_were_saved() -> None:
    make_connector("one")
    loaded = Connector.objects.get(slug="one")
    assert loaded.credentials.reveal() == {"app_token": CANARY}
    assert loaded.credentials.names == ("app_token",)


def test_database_holds_no_plain_text() -> None:
    make_connector("one")
    assert CANARY not in stored("one")
    assert base64.b64encode(CANARY.encode()).decode() not in stored("one")


def test_same_credentials_look_different_in_each_row_and_after_each_change() -> None:
    make_connector("one")
    make_connector("two")
    assert stored("one") != stored("two")


def test_saving_again_keeps_the_ciphertext() -> None:
    make_connector("one")
    before = stored("one")
    loaded = Connector.objects.get(slug="one")
    loaded.name = "New name"
    loaded.save()
    assert stored("one") == before


def test_no_credentials_are_stored_as_nothing() -> None:
    connector = Connector.objects.create(slug="one", kind="soda")
    assert stored("one") == ""
    assert not Connector.objects.get(pk=connector.pk).credentials


def test_swapped_ciphertexts_are_refused() -> None:
    make_connector("one", "token-of-one")
    make_connector("two", "token-of-two")
    first, second = stored("one"), stored("two")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE connectors_connector SET credentials = %s WHERE slug = 'one'", [second])
        cursor.execute("UPDATE connectors_connector SET credentials = %s WHERE slug = 'two'", [first])
    for slug in ("one", "two"):
        with pytest.raises(ConfigError) as caught:
            Connector.objects.get(slug=slug).credentials.reveal()
        assert caught.value.code == "credentials_unreadable"


@pytest.mark.parametrize("token", ["garbage", "v1..", "v1.x.y", "v1", "ä.ö.ü"])
def test_altered_ciphertexts_are_refused(token: str) -> None:
    make_connector("one")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE connectors_connector SET credentials = %s", [token])
    with pytest.raises(ConfigError) as caught:
        Connector.objects.get(slug="one").open()
    assert caught.value.code == "credentials_unreadable"


def test_one_flipped_character_is_refused() -> None:
    make_connector("one")
    token = stored("one")
    flipped = token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE connectors_connector SET credentials = %s", [flipped])
    with pytest.raises(ConfigError, match="altered"):
        Connector.objects.get(slug="one").credentials.reveal()


def test_every_listed_key_reads_and_the_first_one_writes(settings: LazySettings) -> None:
    old, new = make_key(), make_key()
    settings.SYNCDECK_SECRET_KEYS = [old]
    make_connector("one")
    settings.SYNCDECK_SECRET_KEYS = [new, old]
    loaded = Connector.objects.get(slug="one")
    assert loaded.credentials.reveal() == {"app_token": CANARY}
    loaded.credentials = loaded.credentials.reveal()
    loaded.save()
    settings.SYNCDECK_SECRET_KEYS = [new]
    assert Connector.objects.get(slug="one").credentials.reveal() == {"app_token": CANARY}


def test_missing_key_is_a_config_failure_that_says_so(settings: LazySettings) -> None:
    make_connector("one")
    settings.SYNCDECK_SECRET_KEYS = [make_key()]
    with pytest.raises(ConfigError, match="no longer lists") as caught:
        Connector.objects.get(slug="one").open()
    assert "SYNCDECK_SECRET_KEYS" in caught.value.hint


@pytest.mark.parametrize("keys", [[], ["short"], ["not base64 at all!"]])
def test_without_a_usable_key_nothing_is_stored_in_the_clear(settings: LazySettings, keys: list[str]) -> None:
    settings.SYNCDECK_SECRET_KEYS = keys
    with pytest.raises(ConfigError) as caught, transaction.atomic():
        make_connector("one")
    assert caught.value.code == "secret_key_missing"
    assert not Connector.objects.exists()


def test_django_secret_key_is_not_needed_to_read(settings: LazySettings) -> None:
    make_connector("one")
    settings.SECRET_KEY = "another secret key, as after a rotation of Django's own"
    assert Connector.objects.get(slug="one").credentials.reveal() == {"app_token": CANARY}


# The most careless serializer there can be.
ConnectorSerializer = type(
    "ConnectorSerializer",
    (ModelSerializer,),
    {"Meta": type("Meta", (), {"model": Connector, "fields": "__all__"})},
)


def renderings(connector: Connector, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    call_command("dumpdata", "connectors")
    return {
        "repr": repr(connector.credentials),
        "str": f"{connector.credentials} {connector!r} {connector!s}",
        "vars": str(vars(connector)),
        "dumpdata": capsys.readouterr().out,
        "xml": serializers.serialize("xml", [connector]),
        "form": str(model_to_dict(connector)),
        "values": str(list(Connector.objects.values("credentials", "slug"))),
        "serializer": JSONRenderer().render(ConnectorSerializer(connector).data).decode(),
    }


@pytest.mark.parametrize("is_loaded", [True, False])
def test_no_rendering_shows_a_credential(is_loaded: bool, capsys: pytest.CaptureFixture[str]) -> None:
    connector = make_connector("one")
    if is_loaded:
        connector = Connector.objects.get(slug="one")
        connector.credentials.reveal()
    for name, text in renderings(connector, capsys).items():
        assert CANARY not in text, name
        assert base64.b64encode(CANARY.encode()).decode().rstrip("=") not in text, name


def test_credentials_are_neither_json_nor_pickled() -> None:
    secrets = Secrets({"app_token": CANARY})
    with pytest.raises(TypeError):
        json.dumps(secrets)
    with pytest.raises(TypeError):
        JSONRenderer().render({"credentials": secrets})
    with pytest.raises(TypeError, match="not to be pickled"):
        pickle.dumps(secrets)
    assert copy.deepcopy(secrets).reveal() == {"app_token": CANARY}


def test_dump_and_load_keep_credentials_readable(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    make_connector("one")
    call_command("dumpdata", "connectors.connector")
    dump = tmp_path / "dump.json"
    dump.write_text(capsys.readouterr().out)
    Connector.objects.all().delete()
    call_command("loaddata", str(dump))
    assert Connector.objects.get(slug="one").credentials.reveal() == {"app_token": CANARY}


def test_update_without_the_row_is_refused() -> None:
    make_connector("one")
    with pytest.raises(TypeError, match="saved through their object"):
        Connector.objects.update(credentials={"app_token": "x"})
    with pytest.raises(TypeError, match="saved through their object"):
        Connector.objects.update(credentials="plain text")


def test_bulk_create_encrypts_as_well() -> None:
    Connector.objects.bulk_create([Connector(slug="one", name="one", kind="soda", credentials={"app_token": CANARY})])
    assert CANARY not in stored("one")
    assert Connector.objects.get(slug="one").credentials.reveal() == {"app_token": CANARY}


def test_revealed_credentials_are_redacted_from_texts() -> None:
    make_connector("one", "token-canary-77")
    Connector.objects.get(slug="one").credentials.reveal()
    assert redact("server said token-canary-77 is wrong") == "server said *** is wrong"


def test_deferred_credentials_load_when_asked_for() -> None:
    make_connector("one")
    deferred = Connector.objects.defer("credentials").get(slug="one")
    assert deferred.credentials.reveal() == {"app_token": CANARY}
    assert Connector.objects.only("slug").get(slug="one").credentials.reveal() == {"app_token": CANARY}


def test_debug_page_shows_no_credential(settings: LazySettings) -> None:
    from_debug = debug_page(make_connector("one"))
    assert "broken view" in from_debug
    assert CANARY not in from_debug


def debug_page(connector: Connector) -> str:
    try:
        fail_with(connector)
    except RuntimeError as error:
        reporter = ExceptionReporter(RequestFactory().get("/"), type(error), error, error.__traceback__)
        return reporter.get_traceback_html()
    raise AssertionError


def fail_with(connector: Connector) -> None:
    held = connector.credentials
    raise RuntimeError(f"broken view {held}")
