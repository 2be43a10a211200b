"""`manage.py export_config` and `import_config`: the same configuration elsewhere, and again, and never a secret."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django_celery_beat.models import PeriodicTask

from connectors.models import Connector
from syncjobs.management.config_files import read_yaml, write_yaml
from syncjobs.mapping import ConfigProblems
from syncjobs.models import JobTypeVersion, Schedule, SyncJobType
from syncjobs.operations.config_imports import import_configuration
from syncjobs.operations.config_shapes import describe_configuration
from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.grants import granted_groups, set_grants
from syncjobs.operations.schedules import save_schedule
from syncjobs.operations.seeds import seed_defaults
from syncjobs.schedule_times import Clocked, Crontab, Interval, Rule
from tests.commands.conftest import Ask
from tests.lifecycle.factories import JobTypeFactory

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CANARY = "S3cr3t-CANARY-of-the-ERP"


@pytest.fixture
def installation(transactional_db: None) -> None:
    seed_defaults(actor="tests")
    settings = {"host": "db.example", "dbname": "erp", "user": "sync"}
    shape = {"slug": "erp", "kind": "postgres", "config": settings, "credentials": {"password": CANARY}}
    save_connector(connector_from_shape(shape))


@pytest.fixture
def exported(installation: None, ask: Ask, tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    assert ask("export_config", "--output", path).code == 0
    return path


def forget_everything() -> None:
    PeriodicTask.objects.all().delete()
    SyncJobType.objects.all().delete()
    Connector.objects.all().delete()


def test_an_installation_comes_back_as_it_was(ask: Ask, exported: Path) -> None:
    before = describe_configuration()
    forget_everything()
    exported.write_text(
        exported.read_text().replace("credentials_needed:\n  - password", "credentials:\n    password: env:ERP")
    )
    said = ask("import_config", exported)
    assert said.code == 0, said.errors
    assert "job type full_refresh: created" in said.output
    after = describe_configuration()
    assert after["job_types"] == before["job_types"]
    assert after["schedules"] == before["schedules"]
    assert [one | {"credentials_needed": ["password"]} for one in after["connectors"] if one["slug"] == "erp"] == [
        one | {"credentials": {"password": "env:ERP"}} for one in before["connectors"] if one["slug"] == "erp"
    ]


def test_the_same_file_again_changes_nothing(ask: Ask, exported: Path) -> None:
    versions = set(JobTypeVersion.objects.values_list("job_type__slug", "number"))
    connectors = set(Connector.objects.values_list("slug", "version"))
    said = ask("import_config", exported, "--json")
    assert said.code == 0, said.errors
    assert {entry["outcome"] for entry in said.json["entries"]} == {"unchanged"}
    assert set(JobTypeVersion.objects.values_list("job_type__slug", "number")) == versions
    assert set(Connector.objects.values_list("slug", "version")) == connectors


def test_grants_come_along_by_the_names_of_their_groups(ask: Ask, installation: None, tmp_path: Path) -> None:
    Group.objects.create(name="Finance")
    set_grants(Connector.objects.get(slug="erp"), ["Finance"])
    path = tmp_path / "config.yaml"
    assert ask("export_config", "--output", path).code == 0
    assert {entry["outcome"] for entry in ask("import_config", path, "--json").json["entries"]} == {"unchanged"}
    set_grants(Connector.objects.get(slug="erp"), [])
    assert "connector erp: changed" in ask("import_config", path).output
    assert granted_groups(Connector.objects.get(slug="erp")) == ["Finance"]
    path.write_text(path.read_text().replace("- Finance", "- Nobody"))
    refused = ask("import_config", path)
    assert refused.code != 0
    assert "There is no group 'Nobody'" in refused.errors
    assert granted_groups(Connector.objects.get(slug="erp")) == ["Finance"]


def test_no_secret_is_written_and_those_kept_here_stay(ask: Ask, exported: Path) -> None:
    assert CANARY not in exported.read_text()
    assert CANARY not in ask("export_config").output
    assert "app_token: env:CHICAGO_API_TOKEN" in exported.read_text()
    exported.write_text(exported.read_text().replace("host: db.example", "host: db2.example"))
    said = ask("import_config", exported)
    assert said.code == 0, said.errors
    assert 'config \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} host: "db.example" -> "db2.example"' in said.output
    erp = Connector.objects.get(slug="erp")
    assert (erp.config["host"], erp.credentials.reveal()) == ("db2.example", {"password": CANARY})


def test_a_dry_run_tells_each_difference_and_keeps_none(
    ask: Ask, exported: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = (
        exported.read_text()
        .replace("slug: full_refresh", "slug: another_refresh", 1)
        .replace("timeout: 3600", "timeout: 60", 1)
    )
    exported.write_text(text.replace("2 * * *", "3 * * *", 1))
    before = describe_configuration()
    caplog.clear()
    said = ask("import_config", exported, "--dry-run")
    assert said.code == 0, said.errors
    assert "job type another_refresh: created" in said.output
    assert "  timeout: 3600 -> 60" in said.output
    assert "Nothing was kept: this was a dry run." in said.output
    assert describe_configuration() == before
    assert not [line for line in caplog.messages if "was saved by" in line]


def test_one_wrong_entry_keeps_all_others_out(ask: Ask, exported: Path) -> None:
    document = read_yaml(exported.read_bytes())
    document["connectors"][0]["name"] = "Renamed"
    document["job_types"][0]["timeout"] = "soon"
    document["job_types"][1]["batchsize"] = 5
    document["job_types"][2]["controller"] = "os.system"
    document["schedules"][0]["crontab"] = "61 * * * *"
    exported.write_text(write_yaml(document))
    before = describe_configuration()
    said = ask("import_config", exported)
    assert said.code == 2
    wrong = [f"job type {entry['slug']}" for entry in document["job_types"][:3]]
    wrong += [f"schedule {document['schedules'][0]['name']}"]
    lines = said.errors.removeprefix("CommandError: ").splitlines()
    assert [line.startswith(f"{name}: ") for name, line in zip(wrong, lines, strict=True)] == [True] * 4
    assert describe_configuration() == before


def test_schedules_of_every_kind_come_back(ask: Ask, exported: Path) -> None:
    fatalities = SyncJobType.objects.get(slug="last_6_months_fatalities")
    rules: dict[str, Rule] = {"often": Interval(900, NOW), "once": Clocked(NOW.replace(year=2099))}
    for name, rule in (rules | {"by clock": Crontab(zone="Asia/Tokyo")}).items():
        options: Any = {"enabled": name != "often", "overrides": {"queue": "long"}}
        save_schedule(job_type=fatalities, name=name, rule=rule, actor="tests", **options)
    before = describe_configuration()["schedules"]
    assert ask("export_config", "--output", exported).code == 0
    Schedule.objects.all().delete()
    PeriodicTask.objects.all().delete()
    assert ask("import_config", exported).code == 0
    assert describe_configuration()["schedules"] == before


def test_what_is_not_mentioned_stays(exported: Path) -> None:
    before = describe_configuration()
    partial = {"syncdeck": 1, "job_types": [{"slug": "full_refresh", "description": "All four"}]}
    (found,) = import_configuration(partial, actor="tests")
    assert [difference.place for difference in found.differences] == [("description",)]
    changed = next(shape for shape in before["job_types"] if shape["slug"] == "full_refresh")
    changed["description"] = "All four"
    assert describe_configuration() == before


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "must be an object that begins with 'syncdeck: 1'"),
        ("syncdeck: 2", "must be an object that begins with 'syncdeck: 1'"),
        ("syncdeck: 1\ntypes: []", "types: not known; there are connectors, job_types, schedules"),
        ("syncdeck: 1\njob_types: 5", "job_types: must be a list"),
        ("syncdeck: 1\njob_types:\n- 5", "job_types, entry 1: must be an object with a slug"),
        ("syncdeck: 1\njob_types:\n- {slug: x, config: 5, controller: stream_sync}", "job type x: config"),
        ("syncdeck: 1\nconnectors:\n- {slug: x, kind: sqlite, credentials: {a: plain}}", "does not belong into a file"),
        (
            "syncdeck: 1\nconnectors:\n- {slug: x, kind: postgres, credentials_needed: [password]}",
            "not part of an export",
        ),
        ("syncdeck: 1\nconnectors:\n- {slug: x, kind: nope}", "connector x: kind"),
        ("syncdeck: 1\nconnectors:\n- {slug: x, kind: sqlite, name: '***'}", "connectors.1.name: was masked"),
        ("syncdeck: 1\nschedules:\n- {name: x, job_type: nope, every: 60}", "There is no job type 'nope'"),
        ("syncdeck: 1\nschedules:\n- {name: x, job_type: items}", "give one of every (seconds), crontab and at"),
        ("syncdeck: 1\nschedules:\n- {name: x, job_type: items, every: 0}", "an interval must be 1 to"),
        ("a: 1" + "0" * 5_000, "must be an object that begins with"),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(db: None, given: str, told: str) -> None:
    JobTypeFactory.create(slug="items")
    with pytest.raises(ConfigProblems, match=re.escape(told)):
        import_configuration(read_yaml(given.encode()), actor="tests")


def test_a_file_that_is_not_there_is_bad_usage(ask: Ask) -> None:
    assert ask("import_config", "nowhere.yaml") == (
        2,
        "",
        "CommandError: nowhere.yaml cannot be read: No such file or directory.\n",
    )
