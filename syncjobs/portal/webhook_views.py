"""A type's webhooks: one with its deliveries, its form, its secrets, a test. Secrets are shown once, when made."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern

from connectors.models import EditConflict
from syncjobs.clock import db_now
from syncjobs.models import SyncJobType, Webhook
from syncjobs.operations.webhooks import (
    SHAPE,
    MadeSecret,
    change_webhook,
    create_webhook,
    delete_webhook,
    drop_previous_secret,
    rotate_secret,
)
from syncjobs.portal import trigger_reads
from syncjobs.portal.forms.trigger_forms import RotateForm, WebhookForm
from syncjobs.portal.job_type_run_views import get_job_type, may_run
from syncjobs.portal.pages import FORM, POSTING, PortalAdmin, refuse, tell
from syncjobs.portal.paging import page_by_number
from syncjobs.triggers.webhooks import send_test
from syncjobs.webhook_signatures import curl_lines

DELIVERIES_A_PAGE = 25
PLACEHOLDER = "the secret that was shown once"


class WebhookViews:
    """Whoever sees the type may see its webhooks; address, secrets and changes are for those who may change it."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        one, page = "<slug:slug>/webhooks/<int:webhook_id>/", self._admin.page
        changing: dict[str, Any] = {"needs": "change", "methods": FORM}
        return [
            page("<slug:slug>/webhooks/add/", self.add, "webhook_add", **changing),
            page(one, self.show, "webhook_page"),
            page(f"{one}edit/", self.edit, "webhook_edit", **changing),
            page(f"{one}switch/", self.switch, "webhook_switch", needs="change", methods=POSTING),
            page(f"{one}rotate/", self.rotate, "webhook_rotate", **changing),
            page(f"{one}drop/", self.drop, "webhook_drop", needs="change", methods=POSTING),
            page(f"{one}test/", self.test, "webhook_test", needs="change", methods=POSTING),
            page(f"{one}delete/", self.delete, "webhook_delete", **changing),
        ]

    def show(self, request: HttpRequest, slug: str, webhook_id: int) -> HttpResponse:
        webhook = _find(slug, webhook_id)
        now, may_change = db_now(), self._admin.has_change_permission(request)
        address = request.build_absolute_uri(webhook.path)
        deliveries = webhook.deliveries.select_related("job")
        context = {
            "title": f"{webhook.job_type}: {webhook}",
            "type": webhook.job_type,
            "webhook": webhook,
            "address": address if may_change else "",
            "curl": curl_lines(address, PLACEHOLDER) if may_change else "",
            "old_until": webhook.previous_until if (webhook.previous_until or now) > now else None,
            "page": page_by_number(request, deliveries, DELIVERIES_A_PAGE),
            "may_change": may_change,
            "may_test": may_change and may_run(request),
        }
        return self._admin.draw(request, "portal/webhook_page.html", context)

    def add(self, request: HttpRequest, slug: str) -> HttpResponse:
        return self._edit(request, get_job_type(slug), None)

    def edit(self, request: HttpRequest, slug: str, webhook_id: int) -> HttpResponse:
        webhook = _find(slug, webhook_id)
        return self._edit(request, webhook.job_type, webhook)

    def _edit(self, request: HttpRequest, job_type: SyncJobType, webhook: Webhook | None) -> HttpResponse:
        form = WebhookForm(webhook, request.POST if request.method == "POST" else None)
        title = f"Edit {webhook}" if webhook else "Add a webhook"
        if form.is_bound and form.is_valid():
            values, actor = {name: form.cleaned_data[name] for name in SHAPE}, request.user.get_username()
            try:
                if webhook is None:
                    return self._show_secret(request, create_webhook(job_type, actor=actor, **values))
                form.edit(webhook)
                tell(request, f"{change_webhook(webhook, actor=actor, **values)} is saved.")
                return redirect("admin:webhook_page", job_type.slug, webhook.pk)
            except ValidationError as error:
                form.show(error)
            except EditConflict as conflict:
                form.add_error(None, f"Not saved: {conflict}.")
        context = {"title": title, "form": form, "type": job_type, "webhook": webhook}
        return self._admin.draw(request, "portal/webhook_edit.html", context, status=422 if form.is_bound else 200)

    def switch(self, request: HttpRequest, slug: str, webhook_id: int) -> HttpResponse:
        """On or off, as the posted `enabled` says."""
        webhook, enabled = _find(slug, webhook_id), request.POST.get("enabled") == "yes"
        try:
            change_webhook(webhook, actor=request.user.get_username(), enabled=enabled)
            tell(request, f"{webhook} is {'on' if enabled else 'off'}.")
        except EditConflict as conflict:
            refuse(request, conflict)
        return redirect("admin:webhook_page", slug, webhook_id)

    def rotate(self, request: HttpRequest, slug: str, webhook_id: int) -> HttpResponse:
        webhook = _find(slug, webhook_id)
        form = RotateForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            made = rotate_secret(webhook, actor=request.user.get_username(), hours=form.cleaned_data["hours"])
            return self._show_secret(request, made)
        context = {"title": f"A new secret for {webhook}", "form": form, "type": webhook.job_type, "webhook": webhook}
        return self._admin.draw(request, "portal/webhook_rotate.html", context, status=422 if form.is_bound else 200)

    def drop(self, request: HttpRequest, slug: str, webhook_id: int) -> HttpResponse:
        webhook = drop_previous_secret(_find(slug, webhook_id), actor=request.user.get_username())
        tell(request, f"The old secret of {webhook} is no longer good.")
        return redirect("admin:webhook_page", slug, webhook_id)

    def test(self, request: HttpRequest, slug: str, webhook_id: int) -> HttpResponse:
        """Hand in a signed delivery, whose job is a dry run."""
        if not may_run(request):
            raise PermissionDenied
        taken = send_test(_find(slug, webhook_id), db_now())
        if isinstance(taken, str):
            refuse(request, ValueError(f"The test delivery was not heard: {taken}"))
        elif taken.delivery.job is None:
            refuse(request, ValueError(f"The test delivery was heard, but starts nothing: {taken.delivery.reason}"))
        else:
            tell(request, f"The test delivery was accepted: job #{taken.delivery.job_id} is a dry run.")
        return redirect("admin:webhook_page", slug, webhook_id)

    def delete(self, request: HttpRequest, slug: str, webhook_id: int) -> HttpResponse:
        webhook = _find(slug, webhook_id)
        if request.method == "POST":
            name = str(webhook)
            delete_webhook(webhook, actor=request.user.get_username())
            tell(request, f"{name} is deleted. The jobs that it started stay.")
            return redirect("admin:job_type_page", slug)
        context = {"title": f"Delete {webhook}", "type": webhook.job_type, "webhook": webhook}
        return self._admin.draw(request, "portal/webhook_delete.html", context)

    def _show_secret(self, request: HttpRequest, made: MadeSecret) -> HttpResponse:
        webhook = made.webhook
        address = request.build_absolute_uri(webhook.path)
        context = {
            "title": f"The secret of {webhook}",
            "type": webhook.job_type,
            "webhook": webhook,
            "secret": made.secret,
            "address": address,
            "curl": curl_lines(address, made.secret),
        }
        response = self._admin.draw(request, "portal/webhook_made.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response


def _find(slug: str, webhook_id: int) -> Webhook:
    return trigger_reads.get_webhook(get_job_type(slug), webhook_id)
