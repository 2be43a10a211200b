"""What happened to the records of a batch or job, and the rule that the books balance. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True, slots=True)
class Counts:
    """Records by outcome; deletes are counted apart, since what is deleted was not read."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    skipped: int = 0
    rejected: int = 0
    duplicates: int = 0

    @classmethod
    def from_dict(cls, values: Mapping[str, int]) -> Self:
        return cls(**{item.name: int(values.get(item.name, 0)) for item in fields(cls)})

    def as_dict(self) -> dict[str, int]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(self)))

    @property
    def is_balanced(self) -> bool:
        outcomes = self.inserted + self.updated + self.unchanged + self.skipped + self.rejected + self.duplicates
        return self.read == outcomes

    @property
    def changed(self) -> int:
        return self.inserted + self.updated + self.deleted

    def diff_summary(self) -> dict[str, int]:
        """Only the kinds of change that happened, e.g. {"inserted": 28210}."""
        changes = {"inserted": self.inserted, "updated": self.updated, "deleted": self.deleted}
        return {name: number for name, number in changes.items() if number}
