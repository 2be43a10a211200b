"""What a batch sets aside: rejects as they are kept, their limits, and which earlier ones its records settle."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import DataError
from connectors.records import Unread, key_text
from connectors.sql_changes import json_form
from syncjobs.counts import Counts
from syncjobs.diffs import MASK, mask_values, shorten_for_show
from syncjobs.fingerprints import key_hash
from syncjobs.mapping.masks import masked_columns, masked_targets, masked_value, without_values
from syncjobs.models import Reject
from syncjobs.streams.opening import OpenStream
from syncjobs.streams.preparing import source_key
from syncjobs.streams.records_in import MappedPage, Refusal, record_text, target_keys
from syncjobs.streams.replaying import REJECT_ID
from syncjobs.streams.source_records import record_as_text
from syncjobs.texts import storable_characters

LONGEST_RECORD = 256 * 1024  # characters of JSON; a longer record is kept cut, and cannot be replayed
LONGEST_CUT_VALUE = 500
FEW_HASHES = 2_000  # of open rejects' keys; more are read through a cursor
UNREAD = "unread"
"""Under this name the text of a record that could not be read is kept."""
ENOUGH_FOR_A_SHARE = 1_000  # records read, before a share of them is judged
QUOTED = re.compile(r"'(?:[^'\\]|\\.)*['…]|\"(?:[^\"\\]|\\.)*[\"…]|\d[\d.,:+-]*")
"""Values in messages; the end of a long one is cut off, and with it the closing quote."""


class TooManyRejects(DataError):
    """More records were set aside than the policy allows; the batch at hand is not written."""


@dataclass(slots=True)
class Settling:
    """What becomes of rejects once a batch is committed; `before` were set aside by the job's batches before it.

    `new` are unsaved ones; `again` are those whose replay failed, with their new reasons; `written` are the ids of
    those whose replay did not; `hashes` are of the keys that were written and that earlier open rejects have.
    """

    before: int = 0
    new: list[Reject] = field(default_factory=list)
    again: list[Reject] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    hashes: set[int] = field(default_factory=set)

    @property
    def rejected(self) -> int:
        return len(self.new) + len(self.again)

    @property
    def is_empty(self) -> bool:
        return not (self.new or self.again or self.written or self.hashes)


class RejectDesk:
    """Judges and describes the rejects of one stream of one job."""

    def __init__(self, stream: OpenStream) -> None:
        self._stream = stream
        self._policy = stream.spec.on_reject
        self._masked = stream.sync_job.masked_fields
        self._open_hashes: set[int] | None = None

    # 1. Limits.

    def _check_number(self, page: MappedPage, settling: Settling) -> None:
        """Raise TooManyRejects where the refusals of this page are more than the job may still set aside."""
        total = settling.before + settling.rejected + len(page.refusals)
        if not page.refusals or total <= self._policy.most:
            return
        last = page.refusals[-1]
        name = record_text(self._stream, page.batch, last.index)
        self._stream.sync_job.remember_masked(dict(zip(page.batch.names, page.batch.rows[last.index], strict=True)))
        raise TooManyRejects(
            "too_many_rejects",
            f"{self._stream.spec.source}: already {total:,} records do not fit, more than the {self._policy.most:,}"
            f" that on_reject.max allows; the last is {name}: {last.message}",
            hint="Mend the mapping or the source, or allow more rejects. The batches before this one are written.",
        )

    def check_share(self, counts: Counts, *, is_end: bool = False) -> None:
        """Raise TooManyRejects where too large a share of what was read so far does not fit."""
        if counts.read < (1 if is_end else ENOUGH_FOR_A_SHARE):
            return
        share = counts.rejected / counts.read
        if share > self._policy.most_share:
            raise TooManyRejects(
                "too_many_rejects",
                f"{self._stream.spec.source}: {counts.rejected:,} of {counts.read:,} records do not fit ({share:.2%}),"
                f" more than the {self._policy.most_share:.2%} that on_reject.max_share allows",
                hint="Mend the mapping or the source, or allow a larger share. What was committed before stays.",
            )

    # 2. What a batch does to rejects.

    def take(self, page: MappedPage, settling: Settling) -> None:
        """Add what this page means for rejects. Raises TooManyRejects past the policy's number."""
        self._check_number(page, settling)
        ids = _reject_ids(page)
        keys = target_keys(self._stream, page.batch, [one.index for one in page.refusals]) if page.refusals else {}
        for refusal in page.refusals:
            reject = self._reject(page, refusal, keys.get(refusal.index))
            if ids is None:
                settling.new.append(reject)
            else:
                reject.pk = ids[refusal.index]
                settling.again.append(reject)
        if self._writes_all and self._stream.spec.mode != "replace":
            settling.written += [ids[index] for index in page.kept] if ids is not None else []
            settling.hashes |= self._settled_hashes(page)

    def settle_all(self) -> Settling:
        """What a replacement of all records means for rejects: only those that it rejected itself are not healed."""
        own = Reject.objects.filter(job=self._stream.sync_job.job).values_list("key_hash", flat=True)
        return Settling(hashes=self._hashes_before.difference(own) if self._writes_all else set())

    def tell(self, settling: Settling, batch_no: int) -> None:
        """Log how many records a batch has set aside, and why the first of them."""
        if not settling.rejected:
            return
        first = (settling.new or settling.again)[0]
        name = f"record {key_text(first.key)}" if first.key else "one of them"
        self._stream.sync_job.log(
            "WARNING", f"Set aside {settling.rejected:,} of its records; {name}: {first.message}", batch=batch_no
        )

    @property
    def looks_at_keys(self) -> bool:
        """Whether records that are written may heal rejects of earlier jobs."""
        return self._writes_all and bool(self._stream.spec.key and self._hashes_before)

    @property
    def _writes_all(self) -> bool:
        """Whether no record is left out because inserts or updates are switched off, and this is no dry run."""
        job = self._stream.sync_job.job
        return job.insert_enabled and job.update_enabled and not job.dry_run

    def _settled_hashes(self, page: MappedPage) -> set[int]:
        """Hashes of the page's keys that open rejects have, too; worked out only if there are any."""
        key = self._stream.spec.key
        if not key or not self._hashes_before:
            return set()
        fields = self._stream.mapper.fields
        places = [(place, one.name, one.type) for place, one in enumerate(fields) if one.name in key]
        hashes = (key_hash({name: json_form(kind, row[place]) for place, name, kind in places}) for row in page.rows)
        return self._hashes_before.intersection(hashes)

    @property
    def _hashes_before(self) -> set[int]:
        """Of the stream's open rejects at this attempt's start; its own later ones are of other records."""
        if self._open_hashes is None:
            job_type = self._stream.sync_job.job.job_type_id
            waiting = Reject.objects.waiting().filter(job_type=job_type, stream=self._stream.spec.source)
            hashes = waiting.exclude(key_hash=None).order_by().values_list("key_hash", flat=True)
            few = list(hashes[:FEW_HASHES])  # one statement, where a server's cursor takes three
            found = few if len(few) < FEW_HASHES else hashes.iterator()
            self._open_hashes = {one for one in found if one is not None}
        return self._open_hashes

    # 3. How a reject is kept.

    def _reject(self, page: MappedPage, refusal: Refusal, key: dict[str, Any] | None) -> Reject:
        stream, index = self._stream, refusal.index
        unread = page.batch.unread.get(index)
        shown = key or ({} if unread else source_key(stream, page.batch.names, page.batch.rows, index))
        pairs = zip(page.batch.names, page.batch.rows[index], strict=True)
        record = {name: value for name, value in pairs if name != REJECT_ID}
        hidden = {
            name
            for name in masked_columns(self._stream.mapper, self._masked) & record.keys()
            if record[name] is not None
        }
        kept = record | dict.fromkeys(hidden, MASK) if unread is None else {UNREAD: self._masked_text(unread)}
        is_whole = unread is None and not hidden and index not in page.batch.oversized
        text = record_as_text(kept)
        if len(text) > LONGEST_RECORD:
            text, is_whole = json.dumps(shorten_for_show(json.loads(text), LONGEST_CUT_VALUE)), False
        message = self._message(refusal, [str(record[name]) for name in hidden], shown)
        where = f" ({page.batch.where(index)})" if page.batch.where else ""
        pattern = _pattern(message, key_text(shown))
        kind = f"{refusal.code}\n{refusal.field}\n{pattern}"
        return Reject(
            job_type_id=stream.sync_job.job.job_type_id,
            job=stream.sync_job.job,
            stream=stream.spec.source,
            key=mask_values(shown, self._masked),
            key_hash=key_hash(key) if key else None,
            record=text,
            is_whole=is_whole,
            field=refusal.field[:255],
            code=refusal.code,
            message=message + storable_characters(where),
            pattern=pattern,
            fingerprint=hashlib.blake2b(kind.encode(), digest_size=16).hexdigest(),
        )

    def _message(self, refusal: Refusal, hidden: Sequence[str], key: dict[str, Any]) -> str:
        """The reason without values of masked fields; one that quotes such a value is told by its code only."""
        if refusal.field in masked_targets(self._stream.mapper, self._masked):
            return masked_value(refusal.field, refusal.code)
        if refusal.code == "broken_record" and self._masked:
            return "the record cannot be read; why is not shown, since fields of this stream are masked"
        texts = {*hidden, *(str(value) for name, value in key.items() if name in self._masked)}
        return storable_characters(without_values(refusal.message, texts))

    def _masked_text(self, unread: Unread) -> str:
        """All of it is hidden where any field is: nobody knows which part is that field."""
        return MASK if self._masked else unread.text


def _reject_ids(page: MappedPage) -> list[int] | None:
    """Of a replay's page: which reject each record is of."""
    if REJECT_ID not in page.batch.names:
        return None
    place = page.batch.names.index(REJECT_ID)
    return [row[place] for row in page.batch.rows]


def _pattern(message: str, key: str) -> str:
    """The message without what is this record's own: its key, quoted values and numbers."""
    return QUOTED.sub("…", message.replace(key, "…") if key else message)
