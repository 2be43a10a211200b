"""What a type starts when it has finished: the form of a chain, switching and deleting it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern

from connectors.models import EditConflict
from syncjobs.models import Chain, SyncJobType
from syncjobs.operations.chains import delete_chain, save_chain
from syncjobs.portal.forms.trigger_forms import ChainForm
from syncjobs.portal.job_type_run_views import get_job_type
from syncjobs.portal.pages import FORM, PortalAdmin, tell
from syncjobs.portal.trigger_reads import get_chain


class ChainViews:
    """All of it needs the permission to change types; that of the types shows what there is."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        one, page = "<slug:slug>/chains/<int:chain_id>/", self._admin.page
        changing: dict[str, Any] = {"needs": "change", "methods": FORM}
        return [
            page("<slug:slug>/chains/add/", self.add, "chain_add", **changing),
            page(one, self.edit, "chain_edit", **changing),
            page(f"{one}delete/", self.delete, "chain_delete", **changing),
        ]

    def add(self, request: HttpRequest, slug: str) -> HttpResponse:
        return self._edit(request, get_job_type(slug), None)

    def edit(self, request: HttpRequest, slug: str, chain_id: int) -> HttpResponse:
        job_type = get_job_type(slug)
        return self._edit(request, job_type, get_chain(job_type, chain_id))

    def _edit(self, request: HttpRequest, job_type: SyncJobType, chain: Chain | None) -> HttpResponse:
        form = ChainForm(job_type, chain, request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            actor = request.user.get_username()
            values = {name: form.cleaned_data[name] for name in ("to_type", "when", "enabled")}
            if chain is not None:
                form.edit(chain)
            try:
                saved = save_chain(from_type=job_type, chain=chain, actor=actor, **values)
            except ValidationError as error:
                form.show(error)
            except EditConflict as conflict:
                form.add_error(None, f"Not saved: {conflict}.")
            else:
                tell(request, f"{saved} is saved.")
                return redirect("admin:job_type_page", job_type.slug)
        title = f"Edit {chain}" if chain else f"After {job_type}"
        context = {"title": title, "form": form, "type": job_type, "chain": chain}
        return self._admin.draw(request, "portal/chain_edit.html", context, status=422 if form.is_bound else 200)

    def delete(self, request: HttpRequest, slug: str, chain_id: int) -> HttpResponse:
        job_type = get_job_type(slug)
        chain = get_chain(job_type, chain_id)
        if request.method == "POST":
            name = str(chain)
            delete_chain(chain, actor=request.user.get_username())
            tell(request, f"{name} is deleted. The jobs that it started stay.")
            return redirect("admin:job_type_page", slug)
        context = {"title": f"Delete {chain}", "type": job_type, "chain": chain}
        return self._admin.draw(request, "portal/chain_delete.html", context)
