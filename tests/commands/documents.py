"""A controller over users and groups of Django itself, for runs of documents at the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from syncjobs.controllers.code import CodeController
from syncjobs.controllers.registry import standing_in
from syncjobs.models import SyncJobType
from tests.lifecycle.factories import JobTypeFactory


class Badges:
    """Makes a group for each user, or as many as the context's `copies` says."""

    def get_multiple_target_documents(self, sync_job: Any, _source_doc: Any) -> list[dict[str, Any]]:
        copies = sync_job.get_context().get("copies", 1)
        return [{"operation": "insert", "context": {"copy": number}} for number in range(copies)]

    def update_target_doc(self, sync_job: Any, source_doc: Any, target_doc: Any) -> None:
        who = source_doc.username if source_doc else "nobody"
        target_doc.name = f"{who} {sync_job.get_context().get('copy', 'renamed')}"


@contextmanager
def badges() -> Iterator[SyncJobType]:
    """The type `badges` of that controller, for as long as the block lasts."""
    with standing_in(CodeController.from_code("badges", "tests.commands.documents", Badges)):
        yield JobTypeFactory.create(
            slug="badges",
            name="Badges",
            controller="badges",
            source_connector=None,
            target_connector=None,
            source_document_type="auth.User",
            target_document_type="auth.Group",
        )
