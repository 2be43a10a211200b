"""`manage.py webhook` and `manage.py chain`, and both in exported configurations."""

from __future__ import annotations

import pytest

from syncjobs.models import Chain, Webhook
from syncjobs.operations.chains import save_chain
from syncjobs.operations.config_imports import import_configuration
from syncjobs.operations.config_shapes import describe_configuration
from syncjobs.operations.webhooks import create_webhook
from tests.commands.conftest import Ask
from tests.lifecycle.factories import JobTypeFactory


@pytest.fixture(autouse=True)
def types(transactional_db: None) -> None:
    for slug in ("extract", "load"):
        JobTypeFactory.create(slug=slug, name=slug.title())


def test_webhook_shows_its_secret_once_and_is_rotated_switched_and_deleted(ask: Ask) -> None:
    made = ask("webhook", "create", "extract", "Shop")
    webhook = Webhook.objects.get()
    assert webhook.secrets.reveal() == {"current": made.output.strip()}
    assert "shown once" in made.errors
    rotated = ask("webhook", "rotate", str(webhook.pk), "--hours", "0", "--json").json
    assert Webhook.objects.get().secrets.reveal() == {"current": rotated["secret"]}
    assert ask("webhook", "change", str(webhook.pk), "--name", "Till").output == "The webhook 'Till' is changed.\n"
    assert ask("webhook", "change", str(webhook.pk), "--name", "Shop").code == 0
    nothing = ask("webhook", "change", str(webhook.pk))
    assert (nothing.code, "--name or --overrides" in nothing.errors) == (2, True)
    listed = ask("webhook", "list").output
    assert "Shop" in listed
    assert rotated["secret"] not in listed + ask("webhook", "list", "--json").output
    assert ask("webhook", "disable", str(webhook.pk)).code == 0
    assert not Webhook.objects.get().enabled
    assert ask("webhook", "delete", str(webhook.pk)).code == 0
    assert ask("webhook", "delete", str(webhook.pk)).code == 3


def test_webhook_that_cannot_be_is_refused(ask: Ask) -> None:
    assert ask("webhook", "create", "nothing", "Shop").code == 3
    assert ask("webhook", "create", "extract", "Shop", "--overrides", '{"queue": "nowhere"}').code in (2, 3)
    assert not Webhook.objects.exists()


def test_chain_is_set_listed_and_deleted(ask: Ask) -> None:
    assert ask("chain", "set", "extract", "load", "--when", "change").code == 0
    assert ask("chain", "set", "extract", "load", "--disabled").code == 0
    assert ask("chain", "list", "--json").json["chains"] == [
        {"from_type": "extract", "to_type": "load", "when": "success", "enabled": False}
    ]
    ring = ask("chain", "set", "load", "extract")
    assert ring.code in (2, 3)
    assert "load → extract → load" in ring.errors
    assert ask("chain", "delete", "extract", "load").code == 0
    assert ask("chain", "delete", "extract", "load").code == 3


def test_configuration_holds_both_without_secrets_and_brings_them_back() -> None:
    extract, load = (JobTypeFactory.create(slug=slug, name=slug) for slug in ("first", "second"))
    made = create_webhook(extract, name="Shop", actor="ann", context_fields=["order"])
    save_chain(from_type=extract, to_type=load, when="always", actor="ann")
    document = describe_configuration()
    assert made.secret not in str(document)
    assert made.webhook.public_id not in str(document)
    parts = {"syncdeck": 1, "webhooks": document["webhooks"], "chains": document["chains"]}
    assert {entry.outcome for entry in import_configuration(parts, actor="ann")} == {"unchanged"}
    Webhook.objects.all().delete()
    Chain.objects.all().delete()
    assert [entry.outcome for entry in import_configuration(parts, actor="ann")] == ["created", "created"]
    assert (Webhook.objects.get().context_fields, Chain.objects.get().when) == (["order"], "always")
