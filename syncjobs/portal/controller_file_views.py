"""Making the file of a new controller, for authors at work: only with DEBUG, else there is no such page."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern

from syncjobs.operations.controller_files import FileRefused, apps_for_controllers, make_controller_file
from syncjobs.portal.forms.type_action_forms import ControllerFileForm
from syncjobs.portal.pages import FORM, PortalAdmin, local_address, tell


class ControllerFileViews:
    """One page; it needs the permission to change types."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        route = "-/new-controller/"
        return [self._admin.page(route, self.controller_add, "controller_add", needs="change", methods=FORM)]

    def controller_add(self, request: HttpRequest) -> HttpResponse:
        if not settings.DEBUG:
            raise Http404("Controller files are made here only with DEBUG.")
        form = ControllerFileForm(apps_for_controllers(), request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid() and self._make(request, form):
            return redirect(local_address(request, request.POST.get("next", "")) or "admin:job_type_list")
        context = {"title": "New controller", "form": form, "has_apps": bool(apps_for_controllers())}
        return self._admin.draw(request, "portal/controller_add.html", context, status=422 if form.is_bound else 200)

    def _make(self, request: HttpRequest, form: ControllerFileForm) -> bool:
        typed = form.cleaned_data
        try:
            path = make_controller_file(typed["name"], typed["app"], typed["mode"])
        except FileRefused as refused:
            form.add_error(None, str(refused))
            return False
        tell(request, f"{path} is written. Fill it in, then restart web and workers: they look for controllers then.")
        return True


def may_make_files() -> bool:
    """Whether the page is there and of use."""
    return settings.DEBUG and bool(apps_for_controllers())
