"""Webhooks: list, make, switch and delete them, and give them new secrets, each shown once in its answer."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.answers import read_config, write_config
from syncjobs.api.etags import EDITED, ETAG, IF_MATCH, answer_row, edited_as_read
from syncjobs.api.fields import JsonObject, StrictBoolean, StrictSerializer, StrictText, flag, number, text
from syncjobs.api.pages import paged, serialized_by
from syncjobs.api.paging import PageQuery
from syncjobs.api.views import ApiView, person, storable_id
from syncjobs.api.visible import find_job_type, visible_job_types
from syncjobs.models import Webhook
from syncjobs.operations.webhooks import (
    LONGEST_NAME,
    MOST_HOURS,
    MadeSecret,
    change_webhook,
    create_webhook,
    delete_webhook,
    rotate_secret,
)

CHANGE = write_config("syncjobs.syncjobtype")
SEE = read_config("syncjobs.syncjobtype")
NO_STORE = {"Cache-Control": "no-store"}


class WebhookSerializer(serializers.ModelSerializer):
    """A webhook, without its secrets; its address is for those who may change its type."""

    job_type = serializers.SlugRelatedField("slug", read_only=True)
    overrides = serializers.DictField(read_only=True)
    context_fields = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Webhook
        fields = (
            *("id", "job_type", "name", "enabled", "overrides", "context_fields", "endpoints_field"),
            *("start_date_field", "end_date_field", "rotated_at", "previous_until", "created_by", "created_at"),
        )
        read_only_fields = fields


class NewWebhookSerializer(WebhookSerializer):
    """A webhook with the secret that it has just got."""

    address = serializers.CharField(read_only=True, help_text="Where to post.")
    secret = serializers.CharField(read_only=True, help_text="Shown this once.")

    class Meta:
        model = Webhook
        fields = (*WebhookSerializer.Meta.fields, "address", "secret")
        read_only_fields = fields


class WebhookBody(StrictSerializer):
    """What a new webhook is to be."""

    job_type = StrictText(max_length=100)
    name = StrictText(max_length=LONGEST_NAME)
    enabled = flag()
    overrides = JsonObject(required=False, allow_null=True)
    context_fields = serializers.ListField(child=StrictText(max_length=100), required=False, allow_null=True)
    endpoints_field = text(100)
    start_date_field = text(100)
    end_date_field = text(100)


class WebhookChanges(StrictSerializer):
    """A webhook's fields, each optional; what is not given is as it is. An empty name of a field takes it from none."""

    name = StrictText(required=False, max_length=LONGEST_NAME)
    enabled = StrictBoolean(required=False)
    overrides = JsonObject(required=False)
    context_fields = serializers.ListField(child=StrictText(max_length=100), required=False)
    endpoints_field = StrictText(required=False, max_length=100, allow_blank=True)
    start_date_field = StrictText(required=False, max_length=100, allow_blank=True)
    end_date_field = StrictText(required=False, max_length=100, allow_blank=True)


class RotateBody(StrictSerializer):
    """How long the secret before is good."""

    hours = number(0, MOST_HOURS, help_text="Hours in which both are good, 24 if not given; 0: it ends at once.")


class SwitchBody(StrictSerializer):
    """On or off."""

    enabled = StrictBoolean()


class WebhookQuery(PageQuery):
    """Which webhooks."""

    job_type = serializers.SlugField(required=False, max_length=100)


class WebhookList(ApiView):
    """All webhooks."""

    needs = {"GET": SEE, "POST": CHANGE}

    @extend_schema(
        operation_id="webhooks_list", parameters=[WebhookQuery], responses=paged(WebhookSerializer), tags=["webhooks"]
    )
    def get(self, request: Request) -> Response:
        """List webhooks, the newest first."""
        query = self.read_query(request, WebhookQuery)
        rows = _visible(request)
        if "job_type" in query:
            rows = rows.filter(job_type__slug=query["job_type"])
        return self.answer_page(request, rows, query, serialized_by(WebhookSerializer))

    @extend_schema(
        operation_id="webhooks_create", request=WebhookBody, responses={201: NewWebhookSerializer}, tags=["webhooks"]
    )
    def post(self, request: Request) -> Response:
        """Make a webhook. Its secret is shown in this answer and never again."""
        body, user = self.read_body(request, WebhookBody), person(request)
        job_type = find_job_type(user, body.pop("job_type"))
        return _answer_secret(request, create_webhook(job_type, actor=user.get_username(), **body), status=201)


class WebhookDetail(ApiView):
    """One webhook."""

    needs = {"GET": SEE, "PATCH": CHANGE, "DELETE": CHANGE}

    @extend_schema(operation_id="webhooks_read", parameters=[ETAG], responses=WebhookSerializer, tags=["webhooks"])
    def get(self, request: Request, webhook_id: int) -> Response:
        """Read a webhook."""
        self.read_query(request)
        return _answer(_find(request, webhook_id))

    @extend_schema(
        operation_id="webhooks_change",
        parameters=EDITED,
        request=WebhookChanges,
        responses=WebhookSerializer,
        tags=["webhooks"],
    )
    def patch(self, request: Request, webhook_id: int) -> Response:
        """Save what is given as the webhook's next version. Its address and its secrets stay."""
        changes, webhook = self.read_given(request, WebhookChanges), _find(request, webhook_id)
        with edited_as_read(request, webhook):
            change_webhook(webhook, actor=person(request).get_username(), **changes)
        return _answer(webhook)

    @extend_schema(operation_id="webhooks_delete", parameters=[IF_MATCH], responses={204: None}, tags=["webhooks"])
    def delete(self, request: Request, webhook_id: int) -> Response:
        """Delete a webhook. The jobs that it started stay."""
        webhook = _find(request, webhook_id)
        with edited_as_read(request, webhook):
            delete_webhook(webhook, actor=person(request).get_username())
        return Response(status=204)


class WebhookRotate(ApiView):
    """A new secret."""

    needs = {"POST": CHANGE}

    @extend_schema(
        operation_id="webhooks_rotate", request=RotateBody, responses=NewWebhookSerializer, tags=["webhooks"]
    )
    def post(self, request: Request, webhook_id: int) -> Response:
        """Give it a new secret, shown in this answer and never again; the one before is good for a while."""
        body = self.read_body(request, RotateBody)
        made = rotate_secret(_find(request, webhook_id), actor=person(request).get_username(), **body)
        return _answer_secret(request, made, status=200)


class WebhookSwitch(ApiView):
    """On or off."""

    needs = {"POST": CHANGE}

    @extend_schema(
        operation_id="webhooks_switch",
        parameters=[ETAG],
        request=SwitchBody,
        responses=WebhookSerializer,
        tags=["webhooks"],
    )
    def post(self, request: Request, webhook_id: int) -> Response:
        """Switch it on or off. While it is off it answers as if it were not there."""
        body = self.read_body(request, SwitchBody)
        changed = change_webhook(_find(request, webhook_id), actor=person(request).get_username(), **body)
        return _answer(changed)


def _answer(webhook: Webhook) -> Response:
    return answer_row(webhook, WebhookSerializer(webhook).data)


def _visible(request: Request) -> Any:
    seen = visible_job_types(person(request)).values("pk")
    return Webhook.objects.select_related("job_type").filter(job_type__in=seen)


def _find(request: Request, webhook_id: int) -> Webhook:
    found: Webhook | None = _visible(request).filter(pk=storable_id(webhook_id)).first()
    if found is None:
        raise Http404(f"There is no webhook {webhook_id}.")
    return found


def _answer_secret(request: Request, made: MadeSecret, *, status: int) -> Response:
    address = request.build_absolute_uri(made.webhook.path)
    told = WebhookSerializer(made.webhook).data | {"address": address, "secret": made.secret}
    return Response(told, status=status, headers=NO_STORE)
