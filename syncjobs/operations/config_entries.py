"""Brings single entries of a configuration document in: a connector, a job type, a schedule. Reads no files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from connectors.models import Connector
from connectors.references import is_reference
from syncjobs.models import Schedule, SyncJobType
from syncjobs.models.job_types import SNAPSHOT_FIELDS
from syncjobs.operations.config_shapes import CONNECTOR_FIELDS, connector_shape, schedule_shape
from syncjobs.operations.connectors import save_connector
from syncjobs.operations.grants import set_grants
from syncjobs.operations.job_type_differences import Difference, list_differences
from syncjobs.operations.job_types import CONNECTORS, job_type_from_shape, save_job_type
from syncjobs.operations.schedule_rules import RULE_FIELDS, rule_from_shape, rule_shape
from syncjobs.operations.schedules import save_schedule

SCHEDULE_FIELDS = RULE_FIELDS | {"name", "job_type", "enabled", "catch_up", "overrides"}


@dataclass(frozen=True, slots=True)
class Imported:
    """What became, or in a dry run would become, of one entry; `kind` is a word for people."""

    kind: str
    name: str
    is_new: bool
    differences: list[Difference]

    @property
    def outcome(self) -> str:
        return "created" if self.is_new else "changed" if self.differences else "unchanged"


def import_connector(shape: dict[str, Any]) -> Imported:
    """By its slug. Raises ValidationError; a secret is never taken from the document."""
    refuse_unknown(shape, (*CONNECTOR_FIELDS, "credentials", "credentials_needed", "grants"))
    before = Connector.objects.filter(slug=shape["slug"]).first()
    old = connector_shape(before) if before else {}
    connector = before or Connector()
    for name in CONNECTOR_FIELDS:
        setattr(connector, name, shape.get(name, getattr(connector, name)))
    credentials = _credentials(shape, before.credentials.reveal() if before else {})
    if credentials != connector.credentials.reveal():
        connector.credentials = credentials
    connector.full_clean()
    connector.name = connector.name.strip() or connector.slug
    groups = _groups(shape)
    granted = old.get("grants") if groups is None else groups
    new = connector_shape(connector) | {"grants": granted}
    differences = list_differences(old, {name: value for name, value in new.items() if name != "grants" or value})
    if differences:
        save_connector(connector)
    if groups is not None:
        set_grants(connector, groups)
    return Imported("connector", connector.slug, before is None, differences)


def _groups(shape: dict[str, Any]) -> list[str] | None:
    """To whom it is granted; None where the document does not say, and so leaves it as it is."""
    groups = shape.get("grants")
    if groups is not None and not (isinstance(groups, list) and all(isinstance(name, str) for name in groups)):
        raise ValidationError({"grants": "must be a list of names of groups; an empty one opens the connector to all"})
    return None if groups is None else sorted(set(groups))


def _credentials(shape: dict[str, Any], stored: dict[str, str]) -> dict[str, str]:
    """What is to be kept: the references given, and of what is stored the secrets that the document names."""
    given, needed = shape.get("credentials"), shape.get("credentials_needed")
    if given is None and needed is None:
        return stored
    given, needed = given or {}, needed or []
    if not isinstance(given, dict) or not isinstance(needed, list):
        raise ValidationError({"credentials": "must be an object; credentials_needed is a list of names"})
    if in_clear := [name for name, value in given.items() if not (isinstance(value, str) and is_reference(value))]:
        what = f"{', '.join(in_clear)}: a secret does not belong into a file; write env:NAME or file:PATH"
        raise ValidationError({"credentials": what})
    if missing := [str(name) for name in needed if name not in stored and name not in given]:
        what = f"{', '.join(missing)}: secrets are not part of an export; write env:NAME or file:PATH under credentials"
        raise ValidationError({"credentials": f"{what}, or make the connector first"})
    return {name: stored[name] for name in needed if name in stored} | given


def import_job_type(shape: dict[str, Any], *, actor: str, user: User | None) -> Imported:
    """By its slug, as its next version. Raises ValidationError."""
    refuse_unknown(shape, (*SNAPSHOT_FIELDS, *CONNECTORS))
    before = SyncJobType.objects.filter(slug=shape["slug"]).first()
    old = before.snapshot() if before else {}
    given = job_type_from_shape(shape)
    job_type = before or SyncJobType()
    for name in shape:
        setattr(job_type, name, getattr(given, name))
    job_type.full_clean()
    differences = list_differences(old, job_type.snapshot())
    if differences:
        save_job_type(job_type, actor=actor, user=user)
    return Imported("job type", job_type.slug, before is None, differences)


def import_schedule(shape: dict[str, Any], *, actor: str) -> Imported:
    """By its name. Raises ValidationError."""
    refuse_unknown(shape, SCHEDULE_FIELDS)
    before = (
        Schedule.objects.select_related("job_type", "periodic_task").filter(periodic_task__name=shape["name"]).first()
    )
    old = schedule_shape(before) if before else {}
    kept = {name: value for name, value in old.items() if name not in RULE_FIELDS or not RULE_FIELDS & shape.keys()}
    new = {"enabled": True, "catch_up": Schedule.CatchUp.LATEST.value, "overrides": {}, **kept, **shape}
    job_type = SyncJobType.objects.filter(slug=str(new.get("job_type"))).first()
    if job_type is None:
        raise ValidationError({"job_type": f"There is no job type '{str(new.get('job_type'))[:100]}'."})
    if not isinstance(new["enabled"], bool):
        raise ValidationError({"enabled": "must be true or false"})
    rule = rule_from_shape(new, old)
    differences = list_differences(old, {name: new[name] for name in new.keys() - RULE_FIELDS} | rule_shape(rule))
    if differences:
        save_schedule(
            job_type=job_type,
            name=shape["name"],
            rule=rule,
            actor=actor,
            enabled=new["enabled"],
            catch_up=str(new["catch_up"]),
            overrides=new["overrides"],
            schedule=before,
        )
    return Imported("schedule", shape["name"], before is None, differences)


def refuse_unknown(shape: dict[str, Any], known: Collection[str]) -> None:
    """Raise ValidationError for names that an entry does not have."""
    if unknown := sorted(str(name)[:60] for name in shape if name not in known):
        raise ValidationError(f"{', '.join(unknown)}: not known; there are {', '.join(sorted(known))}")
