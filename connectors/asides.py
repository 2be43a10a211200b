"""The contract of writers that mirror and replace: tables of ours beside the target, in the same system. No driver."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from connectors.base import StreamWriter, WriteRequest
from connectors.records import Filter

AsideKind = Literal["seen", "load"]
"""seen: the keys that a mirror has met at the source; load: the records that are to replace the target's."""

ASIDE_PREFIXES: dict[AsideKind, str] = {"seen": "_syncdeck_seen_", "load": "_syncdeck_load_"}


@dataclass(frozen=True, slots=True)
class Aside:
    """A table of some job beside the target. `token` is the job's, as `begin` got it but without dashes.

    `has_checkpoint` says whether the target still knows of batches of that job.
    """

    name: str
    token: str
    has_checkpoint: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """How many records the target holds within some filters, and how many of them the open aside has not."""

    records: int
    missing: int


@dataclass(frozen=True, slots=True)
class Swap:
    """What a swap did: records put in, records that were there before."""

    inserted: int
    deleted: int


class AsideWriter(StreamWriter):
    """A writer for the modes mirror and replace as well.

    mirror: open_aside("seen") → batches, each with remember_keys after staging → scope, missing_keys → switch to mode
    delete → batches of those keys → drop_aside. In a dry run the keys lie in a temporary table that lasts as long as
    the connection, so there commit must end each batch (a rollback may close the connection).
    replace: open_aside("load") → batches, which go there instead of into the target → scope, differing → begin, swap,
    commit. Not in a dry run.
    """

    @abstractmethod
    def open_aside(self, kind: AsideKind, token: str, *, anew: bool) -> None:
        """Make the job's table anew, or go on with it; ConfigError `aside_gone` where it is missing.

        load: ConfigError `foreign_key_in_the_way` where another table refers to the target.
        """

    @abstractmethod
    def remember_keys(self) -> None:
        """Add the staged keys to the keys seen, in the open transaction; before or after they are compared."""

    @abstractmethod
    def scope(self, filters: Sequence[Filter] = ()) -> Scope:
        """Count the target's records that hold all filters, and those among them that the aside has not.

        They meet by key (a record with an empty key is never missing), without a key by all written fields.
        """

    @abstractmethod
    def missing_keys(
        self, filters: Sequence[Filter] = (), after: Any = None, size: int = 1000
    ) -> tuple[list[tuple[Any, ...]], Any]:
        """At most `size` keys of missing records in the key's order, and the position to go on after (JSON)."""

    @abstractmethod
    def differing(self) -> int:
        """How many loaded records the target has not in the same form: what is new and what is changed."""

    @abstractmethod
    def swap(self) -> Swap:
        """Empty the target, fill it with what was loaded and drop the aside, in the open transaction.

        Others see the old records until the commit, then the new ones, and can not write meanwhile.
        """

    @abstractmethod
    def switch(self, request: WriteRequest) -> None:
        """Write the batches that follow as `request` says: another mode or other fields of the same stream."""

    @abstractmethod
    def asides(self) -> list[Aside]:
        """All asides in the system, of whatever job; nothing in a dry run."""

    @abstractmethod
    def drop_aside(self, name: str) -> None:
        """Remove one of them."""

    @abstractmethod
    def forget_jobs(self, tokens: Sequence[str]) -> None:
        """Remove the asides and checkpoints of these jobs, which are never run again; tokens as `begin` got them."""
