"""Turns among all processes and machines that use one connector: a row in Syncdeck's database says when one is free."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from connectors.turns import Turn, Turns, next_turn


class TurnRow(models.Model):
    """When the next request of a connector may be sent, by the database's clock (on SQLite there is only the own)."""

    connector = models.OneToOneField("connectors.Connector", models.CASCADE, primary_key=True, related_name="turn_row")
    free_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.connector_id} from {self.free_at.isoformat()}"


class SharedTurns(Turns):
    """Turns of a connector's row, taken in a transaction of a millisecond.

    Inside somebody's open transaction the row stays locked until its end: send requests before or after it.
    """

    def __init__(self, connector_id: int, limit_per_minute: int) -> None:
        super().__init__(limit_per_minute)
        self.connector_id = connector_id

    def take(self) -> Turn:
        with transaction.atomic():
            now, free_at = self._lock()
            turn, free_in = next_turn((free_at - now).total_seconds(), self.interval)
            self._rows().update(free_at=now + timedelta(seconds=free_in))
        return turn

    def _lock(self) -> tuple[datetime, datetime]:
        """The time, and when a turn is free; nobody else may take one until the transaction's end."""
        locked = self._rows().select_for_update().annotate(now=Now()).values_list("now", "free_at")
        found = locked.first()
        if found is None:
            TurnRow.objects.bulk_create(
                [TurnRow(connector_id=self.connector_id, free_at=timezone.now())], ignore_conflicts=True
            )
            found = locked.get()
        return found

    def _rows(self) -> models.QuerySet[TurnRow]:
        return TurnRow.objects.filter(connector_id=self.connector_id)
