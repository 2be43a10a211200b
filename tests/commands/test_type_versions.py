"""`manage.py type versions`, `use-version`, `enable` and `disable`."""

from __future__ import annotations

from syncjobs.models import SyncJobType
from syncjobs.operations.job_types import save_job_type
from tests.api.conftest import make_connectors, make_job_type
from tests.commands.conftest import Ask


def changed(**values: object) -> SyncJobType:
    """The type items, saved once more with these values."""
    make_connectors()
    job_type = make_job_type("items")
    for name, value in values.items():
        setattr(job_type, name, value)
    return save_job_type(job_type, actor="ben")


def test_versions_tell_what_differed_and_one_is_used_again(ask: Ask, transactional_db: None) -> None:
    job_type = changed(max_retries=0)
    newest = job_type.version
    _, first, *_others = ask("type", "versions", "items").output.splitlines()
    assert first.startswith(str(newest))
    assert first.endswith("max_retries: 3 → 0")
    told = ask("type", "versions", "items", "--json").json["versions"]
    assert [one["number"] for one in told] == [newest, newest - 1]
    assert (told[0]["created_by"], told[0]["differences"][0]["path"]) == ("ben", ["max_retries"])
    assert f"saved as version {newest + 1}" in ask("type", "use-version", "items", str(newest - 1)).output
    job_type.refresh_from_db()
    assert (job_type.max_retries, job_type.version) == (3, newest + 1)
    assert ask("type", "use-version", "items", "99").code == 3


def test_type_is_disabled_and_enabled(ask: Ask, transactional_db: None) -> None:
    changed()
    assert "only people" in ask("type", "disable", "items").output
    assert SyncJobType.objects.get().enabled is False
    assert ask("type", "enable", "items", "--json").json["enabled"] is True
    assert ask("type", "enable", "nowhere").code == 3
