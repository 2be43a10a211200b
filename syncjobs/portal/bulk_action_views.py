"""One verb on the ticked rows of the jobs' list, by the select box above it; what needs a question is asked once."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from syncjobs.operations.bulk_actions import BulkResult, act_on_jobs
from syncjobs.operations.visible import visible_jobs
from syncjobs.portal.forms.action_forms import ActionForm, ReasonForm
from syncjobs.portal.job_actions import ACTIONS, Action
from syncjobs.portal.pages import POSTING, PortalAdmin, local_address, signed_in_user, tell, warn

MOST_JOBS, JOBS_NAMED, REFUSALS_SHOWN = 1_000, 20, 2
PARTICIPLES = {
    "start": "queued",
    "pause": "paused or asked to pause",
    "resume": "resumed",
    "retry": "queued again",
    "approve": "approved",
    "restart": "restarted",
    "cancel": "canceled or asked to stop",
    "discard": "discarded",
    "delete": "deleted",
    "retry_children": "told to retry their failed children",
    "cancel_children": "told to cancel their children",
}
CONSEQUENCES = {
    "cancel": "Jobs at work stop within 10 seconds, the others at once. What they have committed stays in the target.",
    "restart": "For each a new job does the same from the beginning. Those that are not done are canceled.",
    "discard": "They end as canceled. They have written nothing, and nothing will be written.",
    "delete": "They go with their changes, log lines, attempts and child jobs. They cannot be brought back. "
    "What they have written stays in the targets, and who deleted them stays on record.",
    "cancel_children": "All their child jobs that are not over are canceled; those at work stop within 10 seconds.",
}


BULK_ACTIONS = [action for name, action in ACTIONS.items() if name in PARTICIPLES]
"""A plan is applied and a job reverted one by one, on the page that shows its changes."""


class BulkActionViews:
    """The address that the form above the jobs' list posts to."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        return [self._admin.page("act/", self.act, "jobs_act", needs="change", methods=POSTING)]

    def act(self, request: HttpRequest) -> HttpResponse:
        action, job_ids = ACTIONS.get(request.POST.get("action", "")), _ticked(request)
        back = local_address(request, request.POST.get("next", "")) or reverse("admin:job_list")
        if action not in BULK_ACTIONS or not job_ids:
            warn(request, "Tick the jobs and choose what is to be done with them.")
            return HttpResponseRedirect(back)
        if not getattr(self._admin, f"has_{action.needs}_permission")(request):
            raise PermissionDenied
        form = _form(action, request)
        if action.asks and not (form.is_bound and form.is_valid()):
            return self._ask_first(request, action, job_ids, form, back)
        user = signed_in_user(request)
        reason = form.reason_given if action.asks else ""
        result = act_on_jobs(job_ids, action.name, actor=user.get_username(), user=user, reason=reason)
        (warn if result.refused else tell)(request, summary(action, result))
        return HttpResponseRedirect(back)

    def _ask_first(
        self, request: HttpRequest, action: Action, job_ids: list[int], form: ActionForm, back: str
    ) -> HttpResponse:
        context = {
            "title": f"{action.label} {len(job_ids)} jobs",
            "action": action,
            "form": form,
            "job_ids": job_ids,
            "jobs": list(visible_jobs().for_lists().filter(pk__in=job_ids)[:JOBS_NAMED]),
            "more": max(0, len(job_ids) - JOBS_NAMED),
            "consequence": CONSEQUENCES[action.name],
            "back": back,
        }
        return self._admin.draw(request, "portal/jobs_question.html", context, status=422 if form.is_bound else 200)


def _ticked(request: HttpRequest) -> list[int]:
    typed = request.POST.getlist("_selected_action")[:MOST_JOBS]
    return [int(text) for text in typed if text.isascii() and text.isdigit() and len(text) < 19]


def _form(action: Action, request: HttpRequest) -> ActionForm:
    """The question; bound once it was answered. Of many jobs only a reason is asked."""
    kind = ReasonForm if action.form is ReasonForm else ActionForm
    return kind(request.POST if request.POST.get("confirmed") == "yes" else None)


def summary(action: Action, result: BulkResult) -> SafeString:
    """As "12 paused, 3 refused: job #7 is finished, …"; further refusals are folded away."""
    done = f"{len(result.done):,} {PARTICIPLES[action.name]}" if result.done else "Nothing was done"
    if not result.refused:
        return format_html("{}.", done)
    # What is allowed instead differs from job to job, and each job's own page says it.
    refusals = [(sentence.partition(";")[0],) for _, sentence in sorted(result.refused.items())]
    first = "; ".join(sentence for (sentence,) in refusals[:REFUSALS_SHOWN])
    text = format_html("{}, {} refused: {}.", done, len(refusals), first)
    if len(refusals) <= REFUSALS_SHOWN:
        return text
    more = refusals[REFUSALS_SHOWN:]
    items = format_html_join("", "<li>{}</li>", more)
    return format_html("{}<details><summary>{} more refused</summary><ul>{}</ul></details>", text, len(more), items)
