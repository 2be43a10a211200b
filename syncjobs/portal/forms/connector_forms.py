"""The form of a connector, made from its kind's schema. Secrets go in and never come out again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from connectors.base import Connector as RuntimeConnector
from connectors.models import Connector
from syncjobs.operations.connector_credentials import give_credentials, stored_credentials
from syncjobs.portal.connector_facts import secret_state
from syncjobs.portal.forms.fields import StrictJSONField

CONFIG, SECRET, CLEAR = "config-", "secret-", "clear-"
KEEP_HELP = "Left empty, the stored one stays; what is typed replaces it."
REFERENCE_HELP = "The secret itself, or env:NAME or file:PATH."


@dataclass(frozen=True, slots=True)
class SecretField:
    """A credential in the form: whether one is stored, the box for another, and the tick that removes it."""

    state: str
    value: forms.BoundField
    removal: forms.BoundField | None


class ConnectorForm(forms.Form):
    """Slug, limits, a field for each setting of the kind and one for each credential."""

    slug = forms.SlugField(max_length=64, help_text="Its name in job types, commands and the API; it cannot change.")
    name = forms.CharField(max_length=200, required=False, help_text="For people; the slug where left empty.")
    enabled = forms.BooleanField(required=False, initial=True, help_text="Off: no job can use it.")
    max_concurrency = forms.IntegerField(
        label="Jobs at once", required=False, min_value=1, help_text="Empty for no limit."
    )
    rate_limit_per_minute = forms.IntegerField(
        label="Requests a minute", required=False, min_value=1, help_text="Empty for no limit."
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1)

    own = ("slug", "name", "enabled", "max_concurrency", "rate_limit_per_minute")

    def __init__(
        self,
        kind: type[RuntimeConnector],
        connector: Connector | None,
        data: Any = None,
        *,
        may_set_secrets: bool = True,
    ) -> None:
        initial: dict[str, Any] = {}
        if connector is not None:
            initial = {name: getattr(connector, name) for name in (*self.own, "version")}
        super().__init__(data, initial=initial)
        self.kind = kind
        self.connector = connector
        self.stored = stored_credentials(connector)
        if connector is not None:
            self.fields["slug"].disabled = True
        spec = kind.spec()
        self._add_config(spec["config"], connector.config if connector else {})
        self.lacks_right = bool(spec["credentials"].get("properties")) and not may_set_secrets
        self.keeps_config = bool(self.stored) and not may_set_secrets
        if may_set_secrets:
            self._add_credentials(spec["credentials"])
        for name in self._names(CONFIG) if self.keeps_config else ():
            self.fields[CONFIG + name].disabled = True

    def _add_config(self, schema: dict[str, Any], config: dict[str, Any]) -> None:
        needed = schema.get("required", [])
        for name, rules in schema.get("properties", {}).items():
            field = config_field(rules, is_needed=name in needed)
            field.label = rules.get("title") or name
            field.initial = config.get(name, rules.get("default"))
            self.fields[CONFIG + name] = field

    def _add_credentials(self, schema: dict[str, Any]) -> None:
        for name, rules in schema.get("properties", {}).items():
            is_set = name in self.stored
            help_text = _sentences(rules.get("description", ""), KEEP_HELP if is_set else REFERENCE_HELP)
            self.fields[SECRET + name] = forms.CharField(
                label=rules.get("title") or name,
                required=False,
                strip=False,
                help_text=help_text,
                widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            )
            if is_set:
                self.fields[CLEAR + name] = forms.BooleanField(label="Remove what is stored", required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in self.stored:
            if cleaned.get(CLEAR + name) and cleaned.get(SECRET + name):
                self.add_error(SECRET + name, "Either enter a new one or remove the stored one, not both.")
        if not self.errors:
            self._check(self.build())
        return cleaned

    def build(self) -> Connector:
        """The connector as typed, not saved; a secret left empty is the stored one."""
        cleaned = self.cleaned_data
        connector = self.connector or Connector(kind=self.kind.kind)
        for name in self.own:
            setattr(connector, name, cleaned[name])
        connector.config = self._config()
        give_credentials(connector, self._credentials())
        if self.connector is not None and cleaned.get("version"):
            connector.version = cleaned["version"]
        return connector

    def _config(self) -> dict[str, Any]:
        if self.keeps_config and self.connector is not None:
            return dict(self.connector.config)
        typed = {name: self.cleaned_data[CONFIG + name] for name in self._names(CONFIG)}
        return {name: value for name, value in typed.items() if value not in (None, "", {}, [])}

    def _credentials(self) -> dict[str, str | None]:
        """What is typed, and None for what is not to be there."""
        typed = {name: self.cleaned_data.get(SECRET + name) or None for name in self._names(SECRET)}
        return {name: secret for name, secret in typed.items() if secret or not self._keeps(name)}

    def _keeps(self, name: str) -> bool:
        return name in self.stored and not self.cleaned_data.get(CLEAR + name)

    def _names(self, prefix: str) -> list[str]:
        return [name.removeprefix(prefix) for name in self.fields if name.startswith(prefix)]

    def _check(self, connector: Connector) -> None:
        try:
            connector.full_clean()
        except ValidationError as error:
            self.show(error)

    def show(self, error: ValidationError) -> None:
        """Put each problem at the field that it names: "config.port: …" belongs to the field of the port."""
        by_field = error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
        for field, texts in by_field.items():
            for text in texts:
                self.add_error(self._field_of(field, text), text)

    def _field_of(self, field: str, text: str) -> str | None:
        prefix = {"config": CONFIG, "credentials": SECRET}.get(field)
        if prefix is None:
            return field if field in self.fields else None
        # "config.port: …" comes from the schema, "config: port: …" from what a schema cannot say
        name = re.split("[.:]", text.removeprefix(field).lstrip(".: "), maxsplit=1)[0]
        return prefix + name if prefix + name in self.fields else None

    @property
    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        """All but the secrets and the limits, under their headings."""
        found = [
            ("What it is", [self[name] for name in ("slug", "name", "enabled")]),
            (f"Settings of {self.kind.label}", [self[CONFIG + name] for name in self._names(CONFIG)]),
        ]
        return [(heading, fields) for heading, fields in found if fields]

    @property
    def secrets(self) -> list[SecretField]:
        return [
            SecretField(
                secret_state(self.stored.get(name)),
                self[SECRET + name],
                self[CLEAR + name] if name in self.stored else None,
            )
            for name in self._names(SECRET)
        ]

    @property
    def limits(self) -> list[forms.BoundField]:
        return [self[name] for name in ("max_concurrency", "rate_limit_per_minute")]


def _sentences(*parts: str) -> str:
    """The parts as sentences, since schemas describe with and without a full stop."""
    return " ".join(part if part.endswith(".") else f"{part}." for part in parts if part)


def config_field(rules: dict[str, Any], *, is_needed: bool) -> forms.Field:
    """The field for one property of a JSON Schema; what is neither text, number nor choice is edited as JSON."""
    shared: dict[str, Any] = {"required": is_needed, "help_text": rules.get("description", "")}
    kind = rules.get("type")
    if choices := rules.get("enum"):
        offered = [(str(choice), str(choice)) for choice in choices]
        default = f"the default ({rules['default']})" if "default" in rules else "the default"
        return forms.ChoiceField(choices=offered if is_needed else [("", default), *offered], **shared)
    if kind == "boolean":
        return forms.BooleanField(**(shared | {"required": False}))
    if kind == "integer":
        return forms.IntegerField(min_value=rules.get("minimum"), max_value=rules.get("maximum"), **shared)
    if kind == "number":
        return forms.FloatField(min_value=rules.get("minimum"), max_value=rules.get("maximum"), **shared)
    if kind in ("object", "array"):
        return StrictJSONField(kinds=(dict,) if kind == "object" else (list,), **shared)
    return forms.CharField(max_length=rules.get("maxLength"), **shared)
