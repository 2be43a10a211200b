"""`manage.py rotate_keys`: afterwards the old key is not needed, whatever stopped it in between."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from connectors.models import Connector
from tests.commands.conftest import Ask
from tests.connectors.test_secrets import CANARY, make_connector, make_key, stored

OLD, NEW = make_key(), make_key()


@pytest.fixture(autouse=True)
def three_by_the_old_key(transactional_db: None, settings: LazySettings) -> None:
    settings.SYNCDECK_SECRET_KEYS = [OLD]
    for number in range(3):
        make_connector(f"c{number}")
    Connector.objects.create(slug="open", kind="sqlite", config={"path": "a.sqlite3"})
    settings.SYNCDECK_SECRET_KEYS = [NEW, OLD]


def can_all_be_read() -> bool:
    return all(Connector.objects.get(slug=f"c{n}").credentials.reveal() == {"app_token": CANARY} for n in range(3))


def test_all_are_readable_without_the_old_key_afterwards(ask: Ask, settings: LazySettings) -> None:
    said = ask("rotate_keys")
    assert said.code == 0
    assert said.output.splitlines() == [
        "3 with the first key (3 of them since now)",
        "Only the first of SYNCDECK_SECRET_KEYS is needed.",
    ]
    settings.SYNCDECK_SECRET_KEYS = [NEW]
    assert can_all_be_read()
    assert CANARY not in said.output + said.errors


def test_one_that_was_killed_half_way_is_run_again(ask: Ask, settings: LazySettings) -> None:
    done = Connector.objects.get(slug="c1")
    done.credentials = {"app_token": CANARY}
    done.save()
    before = stored("c1")
    said = ask("rotate_keys", "--json")
    assert (said.code, said.json) == (0, {"current": 1, "rotated": 2, "outdated": 0, "unreadable": {}})
    assert stored("c1") == before
    settings.SYNCDECK_SECRET_KEYS = [NEW]
    assert can_all_be_read()
    assert ask("rotate_keys", "--json").json["rotated"] == 0


def test_a_check_tells_what_is_left_and_changes_nothing(ask: Ask) -> None:
    before = [stored(f"c{number}") for number in range(3)]
    said = ask("rotate_keys", "--check")
    assert said.code == 1
    assert "3 with an older key: run rotate_keys" in said.output
    assert "Keep the older keys in SYNCDECK_SECRET_KEYS." in said.errors
    assert [stored(f"c{number}") for number in range(3)] == before
    ask("rotate_keys")
    assert ask("rotate_keys", "--check").code == 0


def test_what_no_listed_key_opens_is_named_and_left(ask: Ask, settings: LazySettings) -> None:
    settings.SYNCDECK_SECRET_KEYS = [make_key()]
    make_connector("lost")
    settings.SYNCDECK_SECRET_KEYS = [NEW, OLD]
    before = stored("lost")
    said = ask("rotate_keys")
    assert said.code == 1
    assert "connector lost: the stored credentials were encrypted with a key that" in said.errors
    assert stored("lost") == before
    settings.SYNCDECK_SECRET_KEYS = [NEW]
    assert can_all_be_read()


def test_without_any_key_nothing_is_touched(ask: Ask, settings: LazySettings) -> None:
    settings.SYNCDECK_SECRET_KEYS = []
    said = ask("rotate_keys")
    assert said.code == 1
    assert "SYNCDECK_SECRET_KEYS lists no usable key" in said.errors
