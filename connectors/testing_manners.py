"""What every kind owes to forms, operators and the job that waits for it; part of the contract in connectors.testing.

Needs pytest.
"""
# ruff: noqa: S101

from __future__ import annotations

import json

import pytest

from connectors.base import Connector, WriteRequest
from connectors.errors import ConfigError, Interrupted
from connectors.records import ReadRequest
from connectors.testing_reading import ReadingConformance
from connectors.testing_samples import CITY_FIELDS


class MannersConformance(ReadingConformance):
    """Settings that a form can show, secrets that stay secret, and an end when it is asked for."""

    def test_settings_and_credentials_are_described_for_the_form(self, cities: Connector) -> None:
        spec = cities.spec()
        assert set(spec) == {"config", "credentials"}
        for part in spec.values():
            assert part["type"] == "object"
            assert part["additionalProperties"] is False, "a misspelt setting must not pass unnoticed"
            assert all(rules["title"] for rules in part["properties"].values())
        assert all(rules["writeOnly"] for rules in spec["credentials"]["properties"].values())

    def test_no_credential_is_shown(self, cities: Connector) -> None:
        shown = json.dumps([cities.address(), *[[step.name, step.message, step.fix] for step in cities.check()]])
        assert not [name for name, secret in cities.credentials.items() if secret and secret in shown]

    def test_reading_ends_when_it_is_asked_to(self, cities: Connector) -> None:
        batches = iter(cities.read(ReadRequest("cities", key=("code",), batch_size=7)))
        next(batches)
        cities.surroundings.interruption.request("cancel")
        with pytest.raises(Interrupted) as raised:
            list(batches)
        assert raised.value.reason == "cancel"

    def test_kind_that_only_reads_says_so(self, cities: Connector) -> None:
        if cities.capabilities.writes:
            cities.writer(WriteRequest("cities", CITY_FIELDS, ("code",), "upsert"))
            return
        with pytest.raises(ConfigError, match=cities.kind) as raised:
            cities.writer(WriteRequest("cities", CITY_FIELDS, ("code",), "upsert"))
        assert raised.value.code == "read_only_kind"
