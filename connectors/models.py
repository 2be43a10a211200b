"""The rows of connectors and of their connection tests. Holds what was configured; the work is done by the kinds."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from connectors import base
from connectors.errors import ConfigError
from connectors.redaction import redact
from connectors.registry import connector_class
from connectors.secrets import EncryptedField, Secrets, resolve_references
from connectors.shared_turns import SharedTurns
from connectors.surroundings import Surroundings
from connectors.turns import OwnTurns, Turns
from connectors.validation import Complaint, config_problems, credentials_problems, optional_credentials

SLUG_RULE = RegexValidator(
    r"\A[a-z0-9][a-z0-9_-]*\Z", "Use small letters, digits, dashes and underscores, beginning with a letter or digit."
)


class EditConflict(Exception):
    """Somebody else saved the row since it was read."""


class ConnectorQuerySet(models.QuerySet["Connector"]):
    """Reads of connectors."""

    def enabled(self) -> ConnectorQuerySet:
        return self.filter(enabled=True)


class Connector(models.Model):
    """A configured connection to one external system: kind, settings, encrypted credentials, limits."""

    slug = models.SlugField(max_length=64, unique=True, validators=[SLUG_RULE])
    name = models.CharField(max_length=200, blank=True, help_text="For people; the slug where left empty.")
    kind = models.CharField(max_length=64)
    config = models.JSONField(default=dict, blank=True)
    secret_scope = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    credentials = EncryptedField()
    enabled = models.BooleanField(default=True)
    max_concurrency = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Jobs at once; empty for no limit."
    )
    rate_limit_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Requests; empty for no limit."
    )
    last_test_ok = models.BooleanField(null=True, blank=True, editable=False)
    last_tested_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_test_message = models.TextField(blank=True, default="", editable=False)
    granted_to = models.ManyToManyField("auth.Group", through="ConnectorGrant", related_name="connectors")
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ConnectorQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]
        permissions = (
            ("sample_connector", "Can see sample rows of connectors"),
            ("set_credentials", "Can set credentials of connectors"),
            ("grant_connector", "Can say who may see connectors, and sees all"),
        )

    def __str__(self) -> str:
        return self.slug

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.name = self.name.strip() or self.slug
        super().save(*args, **kwargs)

    def save_if_unchanged(self) -> None:
        """Save as the next version. Raises EditConflict where the row is not the version that was read."""
        with transaction.atomic():
            same = Connector.objects.filter(pk=self.pk, version=self.version)
            if not same.update(version=F("version") + 1):
                raise EditConflict(f"{self.slug} was changed by someone else; load it again")
            self.version += 1
            self.save()

    def clean(self) -> None:
        """Check settings and credentials against the kind; every message names the property."""
        super().clean()
        try:
            kind = connector_class(self.kind)
        except ConfigError as error:
            raise ValidationError({"kind": f"{error.message}. {error.hint}".strip()}) from error
        try:
            wrong_credentials = credentials_problems(kind, self.credentials.reveal())
        except ConfigError as error:
            wrong_credentials = [f"{error.message}. {error.hint}"]
        problems = {"config": config_problems(kind, self.config), "credentials": wrong_credentials}
        if any(problems.values()):
            raise ValidationError({name: _coded(found) for name, found in problems.items() if found})

    def open(self, surroundings: Surroundings | None = None, *, even_disabled: bool = False) -> base.Connector:
        """The runtime connector, with references resolved; close it after use.

        Raises ConfigError: `connector_disabled`, `unknown_kind`, `missing_reference`, `credentials_unreadable`.
        """
        if not (self.enabled or even_disabled):
            raise ConfigError(
                "connector_disabled", f"the connector '{self.slug}' is switched off", hint="Enable it, then try again."
            )
        kind = connector_class(self.kind)
        secrets: Secrets = self.credentials
        credentials = resolve_references(secrets.reveal(), optional_credentials(kind))
        ours = replace(surroundings or Surroundings(), turns=self._turns())
        if not even_disabled:  # else it is a test, which notes its result itself
            ours = replace(ours, note_refusal=self._note_refusal)
        return kind(self.slug, self.config, credentials, ours)

    def _note_refusal(self, message: str) -> None:
        """Until the next connection test the connector counts as one that does not work."""
        told = {"last_test_message": redact(message), "last_tested_at": timezone.now()}
        Connector.objects.filter(pk=self.pk).update(last_test_ok=False, **told)

    def _turns(self) -> Turns | None:
        if self.rate_limit_per_minute is None:
            return None
        if self._state.adding:
            return OwnTurns(self.rate_limit_per_minute)
        return SharedTurns(self.pk, self.rate_limit_per_minute)


def _coded(problems: list[str]) -> list[ValidationError]:
    return [ValidationError(text, code=text.code if isinstance(text, Complaint) else "invalid") for text in problems]


class ConnectorGrant(models.Model):
    """Members of this group may see this connector. One without any grant is open to all who may see connectors.

    A group that holds a grant cannot be deleted, else its last grant would go and open the connector to everybody.
    """

    connector = models.ForeignKey(Connector, models.CASCADE, related_name="grants")
    group = models.ForeignKey("auth.Group", models.PROTECT, related_name="connector_grants")

    class Meta:
        ordering = ("group__name",)
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("connector", "group"), name="one_grant_per_group"),)

    def __str__(self) -> str:
        return f"{self.connector_id} to {self.group_id}"


class ConnectionTest(models.Model):
    """One test of a connector: its steps as {name, ok, milliseconds, message, fix}."""

    connector = models.ForeignKey(Connector, models.CASCADE, related_name="tests")
    created_at = models.DateTimeField(auto_now_add=True)
    ok = models.BooleanField()
    milliseconds = models.FloatField()
    steps = models.JSONField(default=list)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.connector.slug}: {'passed' if self.ok else 'failed'}"
