"""The versions of a type: what differs between any two, and taking an earlier one into use again."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern

from connectors.models import EditConflict
from syncjobs.models import JobTypeVersion, SyncJobType
from syncjobs.operations.job_type_differences import list_consequences, list_differences
from syncjobs.operations.job_type_versions import entered_again, use_version_again
from syncjobs.portal.job_type_run_views import get_job_type
from syncjobs.portal.pages import FORM, PortalAdmin, signed_in_user, tell

VERSIONS_SHOWN = 200


class VersionViews:
    """Anybody who sees types may compare; using a version again needs the permission to change types."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        page = self._admin.page
        use = "<slug:slug>/versions/<int:number>/use/"
        return [
            page("<slug:slug>/versions/", self.versions, "job_type_versions"),
            page(use, self.use, "job_type_version_use", needs="change", methods=FORM),
        ]

    def versions(self, request: HttpRequest, slug: str) -> HttpResponse:
        """All of them, and what differs between the two that are asked for, at first the newest two."""
        job_type = get_job_type(slug)
        rows = list(JobTypeVersion.objects.filter(job_type=job_type).defer("snapshot")[:VERSIONS_SHOWN])
        numbers = [row.number for row in rows]
        new = _asked(request, "to", job_type) or (numbers[0] if numbers else 0)
        old = _asked(request, "from", job_type) or next((number for number in numbers if number < new), new)
        both = {row.number: row for row in JobTypeVersion.objects.filter(job_type=job_type, number__in=[old, new])}
        context: dict[str, Any] = {
            "title": f"Versions of {job_type}",
            "type": job_type,
            "versions": rows,
            "old": old,
            "new": new,
            "old_head": f"Version {old}",
            "new_head": f"Version {new}",
            "shown": both.get(new),
            "may_change": self._admin.has_change_permission(request),
        }
        if old != new and old in both and new in both:
            context["differences"] = list_differences(both[old].snapshot, both[new].snapshot)
        return self._admin.draw(request, "portal/job_type_versions.html", context)

    def use(self, request: HttpRequest, slug: str, number: int) -> HttpResponse:
        """Ask, showing what would change; then save the content of the version as the next one."""
        job_type = get_job_type(slug)
        version = _version(job_type, number)
        problem = ""
        if request.method == "POST":
            problem = self._use(request, job_type, version)
            if not problem:
                return redirect("admin:job_type_page", slug)
            job_type.refresh_from_db()
        context = {"title": f"Use version {number} of {job_type} again", "type": job_type, "version": version}
        try:
            after = entered_again(job_type, version).snapshot()
        except ValidationError as error:
            context |= {"problem": problem or " ".join(error.messages), "differences": []}
        else:
            context |= {"problem": problem, "differences": list_differences(job_type.snapshot(), after)}
            context["consequences"] = list_consequences(job_type, after)
        status = 422 if problem else 200
        return self._admin.draw(request, "portal/job_type_version_use.html", context, status=status)

    def _use(self, request: HttpRequest, job_type: SyncJobType, version: JobTypeVersion) -> str:
        """Why it was not done; empty if it was. The version that was looked at is the one that may be replaced."""
        user, seen = signed_in_user(request), request.POST.get("seen", "")
        if seen.isascii() and seen.isdecimal() and len(seen) < 10:
            job_type.version = int(seen)
        try:
            saved = use_version_again(job_type, version, actor=user.get_username(), user=user)
        except ValidationError as error:
            return " ".join(error.messages)
        except EditConflict as conflict:
            return f"{conflict}."
        tell(request, f"{saved} is saved as version {saved.version}, with what it was in version {version.number}.")
        return ""


def _asked(request: HttpRequest, name: str, job_type: SyncJobType) -> int:
    text = request.GET.get(name, "")
    if not text:
        return 0
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    return _version(job_type, number).number


def _version(job_type: SyncJobType, number: int) -> JobTypeVersion:
    found = JobTypeVersion.objects.filter(job_type=job_type, number=number).first()
    if found is None:
        raise Http404(f"{job_type} has no version {number}.")
    return found
