"""The contract that every kind of connector keeps, as a pytest class to subclass; also for other packages.

    class TestMyKind(ConnectorContract):
        connector_class = MyConnector

        @pytest.fixture
        def connect(self, tmp_path):
            return lambda: MyConnector("mine", {...}, {})  # a new connector to the same, at first empty, system

        def fill(self, connector, stream, fields, key, rows): ...  # for a kind that only reads

It has the tests that fit the kind's capabilities. Needs pytest and hypothesis. Call
`pytest.register_assert_rewrite("connectors")` in a conftest.py for better messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import ClassVar

import pytest

from connectors.applying import can_apply
from connectors.base import Connector
from connectors.testing_applying import ApplyingConformance
from connectors.testing_asides import AsideConformance
from connectors.testing_cursors import READING_FIELDS as READING_FIELDS
from connectors.testing_cursors import READINGS as READINGS
from connectors.testing_cursors import CursorConformance
from connectors.testing_deleting import DeletingConformance
from connectors.testing_locking import LockingConformance
from connectors.testing_manners import MannersConformance
from connectors.testing_names import NameConformance
from connectors.testing_queries import QueryConformance
from connectors.testing_reading import Connect as Connect
from connectors.testing_refusals import RefusalConformance
from connectors.testing_samples import Row as Row
from connectors.testing_transactions import TransactionConformance
from connectors.testing_types import TypeConformance
from connectors.testing_writing import WritingConformance

Fits = Callable[[type[Connector]], bool]


def _writes(kind: type[Connector]) -> bool:
    return kind.capabilities.writes and kind.capabilities.transactions


PARTS: dict[type, Fits] = {
    TransactionConformance: _writes,
    WritingConformance: _writes,
    DeletingConformance: _writes,
    LockingConformance: _writes,
    TypeConformance: _writes,
    NameConformance: _writes,
    RefusalConformance: _writes,
    AsideConformance: lambda kind: kind.capabilities.replaces,
    CursorConformance: lambda kind: kind.capabilities.reads_by_cursor,
    QueryConformance: lambda kind: kind.capabilities.queries,
    ApplyingConformance: can_apply,
}


class ConnectorContract(
    WritingConformance,
    DeletingConformance,
    LockingConformance,
    TypeConformance,
    NameConformance,
    RefusalConformance,
    AsideConformance,
    MannersConformance,
    CursorConformance,
    QueryConformance,
    ApplyingConformance,
):
    """Reading, and whatever else the kind says that it can."""

    connector_class: ClassVar[type[Connector]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for part, fits in PARTS.items():
            if not fits(cls.connector_class):
                for name in vars(part).keys() - vars(cls).keys():
                    if name.startswith("test_"):
                        setattr(cls, name, None)  # which pytest does not collect

    @pytest.fixture
    def readings(self, connect: Connect) -> Iterator[Connector]:
        with closing(connect()) as connector:
            self.fill(connector, "readings", READING_FIELDS, ("code",), READINGS)
            yield connector
