"""Kinds that cannot make given changes say so; what the others share is in the contract (test_conformance_*)."""

from __future__ import annotations

import pytest

from connectors.applying import open_applier
from connectors.errors import ConfigError
from connectors.soda import SodaConnector
from connectors.testing_applying import REQUEST


def test_kind_that_can_not_judge_its_records_says_so() -> None:
    soda = SodaConnector("open-data", {"base_url": "https://data.example.org", "datasets": {}}, {})
    with pytest.raises(ConfigError, match="not possible with a target of kind soda"):
        open_applier(soda, REQUEST)
