"""Where a job is inside its stream: what a checkpoint holds. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from connectors.records import FieldType
from syncjobs.counts import Counts


@dataclass(frozen=True, slots=True)
class Progress:
    """After batch `batch_no`: the source's position, sums so far, and what later batches must know.

    `target_was_empty` is as it was before the first batch; None until it was looked at. `highest` is the highest value
    of the window's or cursor's field, in its JSON form. `cursor_type` is the type of the cursor's field, `cursor_entry`
    the ledger's newest entry (None = none yet), `cursor_start` the value from which is read: as when the job began.
    `is_replaced` says that mode replace has swapped the target's records, `is_mirrored` that mode mirror has deleted
    what is to be deleted, so that nothing is left to do but to tidy up. `fields` are
    what each new record is given, as [name, type, nullable], so that inserts can be applied and reverted later.
    `nulled` counts the values that bounds, lookups and the like made null, by field, `stripped` those that lost NULs.
    """

    batch_no: int = 0
    position: Any = None
    counts: Counts = field(default_factory=Counts)
    bytes_read: int = 0
    kept_changes: int = 0
    target_was_empty: bool | None = None
    highest: Any = None
    cursor_type: FieldType = "text"
    cursor_entry: int | None = None
    cursor_start: Any = None
    is_replaced: bool = False
    is_mirrored: bool = False
    fields: tuple[tuple[str, FieldType, bool], ...] = ()
    nulled: dict[str, int] = field(default_factory=dict)
    stripped: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_checkpoint(cls, checkpoint: dict[str, Any]) -> Self:
        if "batch_no" not in checkpoint:  # there is none, or what was noted of a split
            return cls()
        return cls(**(checkpoint | {"counts": Counts.from_dict(checkpoint["counts"])}))

    def as_checkpoint(self) -> dict[str, Any]:
        return asdict(self)

    def after_batch(
        self,
        position: Any,
        counts: Counts,
        *,
        bytes_read: int,
        kept_changes: int,
        highest: Any,
        nulled: Mapping[str, int] | None = None,
        stripped: Mapping[str, int] | None = None,
    ) -> Progress:
        return replace(
            self,
            batch_no=self.batch_no + 1,
            position=position,
            counts=self.counts + counts,
            bytes_read=self.bytes_read + bytes_read,
            kept_changes=self.kept_changes + kept_changes,
            highest=highest,
            nulled=dict(Counter(self.nulled) + Counter(nulled or {})),
            stripped=dict(Counter(self.stripped) + Counter(stripped or {})),
        )
