"""Kind files through the doors that its users take: the command, and the form that its schema draws."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from connectors.files import FilesConnector
from connectors.models import Connector
from syncjobs.portal.forms.connector_forms import ConnectorForm

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(settings: LazySettings) -> Iterator[Path]:
    """The folder `doors` in the data directory, with one file."""
    path = Path(settings.SYNCDECK_DATA_DIR) / "doors"
    path.mkdir()
    (path / "notes.csv").write_text("id,note\n1,a\n")
    yield path
    for file in path.iterdir():
        file.unlink()
    path.rmdir()


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command("connector", *arguments, stdout=output)
    return output.getvalue()


def create(**config: Any) -> str:
    return run("create", "exports", "--kind", "files", "--config", json.dumps(config))


def test_connector_of_the_appendix_is_created_and_tested(folder: Path) -> None:
    create(root="doors", format="csv")
    tested = run("test", "exports")
    for words in ("folder", "read one record", "1 files; notes.csv: read one", "write rights", "free space"):
        assert words in tested
    opened = Connector.objects.get(slug="exports").open()
    assert [stream.name for stream in opened.streams()] == ["notes"]
    opened.close()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"root": "../elsewhere", "format": "csv"}, "SYNCDECK_FILE_ROOTS"),
        ({"root": "doors", "format": "xlsx"}, "config.format"),
        ({"format": "csv"}, "config.root"),
        ({"root": "doors", "format": "csv", "columns": {"notes": {"id": "number"}}}, "config.columns.notes.id"),
        ({"root": "doors", "format": "csv", "delimeter": "tab"}, "delimiter"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(config: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandError) as caught:
        create(**config)
    assert words in str(caught.value)
    assert not Connector.objects.exists()


def test_form_offers_every_setting_and_its_defaults_make_a_connector(folder: Path) -> None:
    blank = ConnectorForm(FilesConnector, None)
    defaults = {name: field.initial for name, field in blank.fields.items() if field.initial is not None}
    typed = defaults | {"slug": "exports", "config-root": "doors", "config-format": "jsonl", "enabled": "on"}
    form = ConnectorForm(FilesConnector, None, typed)
    assert form.is_valid(), form.errors
    config = form.build().config
    assert (config["root"], config["format"], config["header"]) == ("doors", "jsonl", True)
