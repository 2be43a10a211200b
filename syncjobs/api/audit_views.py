"""The audit: who did what, when, and by which door. Reads only; nothing here can be changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.pages import paged
from syncjobs.api.paging import LARGEST_ID, PageQuery
from syncjobs.api.permissions import Needs
from syncjobs.api.views import ApiView, storable_id
from syncjobs.asking import Door
from syncjobs.models import AuditEvent
from syncjobs.operations.audit_reads import SEARCHED, AuditChoice, describe_entry, find_entries
from syncjobs.scopes import AUDIT_READ

READ_AUDIT = Needs(AUDIT_READ, ("syncjobs.view_auditevent",))
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)


class AuditQuery(PageQuery):
    """By what entries may be looked for."""

    who = serializers.CharField(required=False, max_length=150, help_text="A user, schedule or `system`, exactly.")
    verb = serializers.CharField(required=False, max_length=50, help_text="Such as `job.cancel`, exactly.")
    door = serializers.ChoiceField(Door.choices(), required=False)
    object_type = serializers.CharField(required=False, max_length=30, help_text="Such as `job_type`.")
    object_id = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False, help_text="The first moment after them.")
    search = serializers.CharField(
        required=False, max_length=200, help_text=f"Within names, reasons and ids of the newest {SEARCHED:,} entries."
    )


class AuditObjectSerializer(serializers.Serializer):
    """To what it was done; `installation` has no id. The name is the one it had then."""

    type = serializers.CharField()
    id = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()


class AuditEntrySerializer(serializers.Serializer):
    """One change that somebody asked for. `before` and `after` hold what differs; of a new or deleted object, all."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    who = serializers.CharField()
    token = serializers.CharField(allow_null=True, help_text="How the API token begins, if one was used.")
    door = serializers.ChoiceField(Door.choices())
    verb = serializers.CharField()
    object = AuditObjectSerializer()
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    ip = serializers.CharField(allow_null=True)
    request_id = serializers.CharField(allow_null=True)


def describe_entries(entries: list[AuditEvent]) -> list[dict[str, Any]]:
    return [dict(AuditEntrySerializer(describe_entry(entry)).data) for entry in entries]


class AuditList(ApiView):
    """All entries."""

    needs = {"GET": READ_AUDIT}

    @extend_schema(
        operation_id="audit_list", parameters=[AuditQuery], responses=paged(AuditEntrySerializer), tags=["audit"]
    )
    def get(self, request: Request) -> Response:
        """List entries of the audit, newest first."""
        query = self.read_query(request, AuditQuery)
        times = {name: min(max(query[name], EARLIEST), LATEST) for name in ("since", "until") if name in query}
        texts = {name: query[name] for name in ("who", "verb", "door", "object_type", "object_id") if name in query}
        choice = AuditChoice(**texts, **times, text=query.get("search", ""))
        return self.answer_page(request, find_entries(choice), query, describe_entries)


class AuditDetail(ApiView):
    """One entry."""

    needs = {"GET": READ_AUDIT}

    @extend_schema(operation_id="audit_read", responses=AuditEntrySerializer, tags=["audit"])
    def get(self, request: Request, entry_id: int) -> Response:
        """Read one entry of the audit."""
        self.read_query(request)
        entry = AuditEvent.objects.filter(pk=storable_id(entry_id)).first()
        if entry is None:
            raise NotFound(f"There is no entry {entry_id} in the audit.")
        return Response(describe_entries([entry])[0])
