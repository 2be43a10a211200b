"""Replaying and dismissing rejects: those that were ticked, or all of a choice; both ask before they do it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, reverse

from syncjobs.models import Reject
from syncjobs.operations.rejects import MOST_AT_ONCE, dismiss_rejects, replay_rejects
from syncjobs.operations.run_requests import RunRefused
from syncjobs.operations.visible import visible_rejects
from syncjobs.portal.change_facts import key_as_text
from syncjobs.portal.forms.action_forms import ActionForm, NeededReasonForm
from syncjobs.portal.pages import FORM, PortalAdmin, refuse, signed_in_user, tell, warn
from syncjobs.portal.reject_reads import RejectChoice
from syncjobs.portal.words import plural

MOST_TICKED, SHOWN = 500, 20


@dataclass(frozen=True, slots=True)
class Chosen:
    """Open rejects that something is to be done with; `ticked` if a person chose each of them."""

    choice: RejectChoice
    ids: list[int]
    ticked: list[int]

    @property
    def words(self) -> str:
        return plural(len(self.ids), "reject")


class RejectActionViews:
    """The two verbs, which need the permission to change jobs."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        page = self._admin.page
        return [
            page("replay/", self.reject_replay, "reject_replay", needs="change", methods=FORM),
            page("dismiss/", self.reject_dismiss, "reject_dismiss", needs="change", methods=FORM),
        ]

    def reject_replay(self, request: HttpRequest) -> HttpResponse:
        chosen = _chosen(request)
        form = ActionForm(request.POST if _is_confirmed(request) else None)
        if not chosen.ids:
            return _nothing(request, chosen)
        if not form.is_bound:
            return self._ask(request, chosen, form, "Replay")
        user = signed_in_user(request)
        try:
            job = replay_rejects(rejects=chosen.ids, actor=user.get_username(), user=user)
        except RunRefused as refusal:
            refuse(request, refusal)
            return _back(chosen)
        tell(request, f"Job #{job.pk} replays {chosen.words} by the mapping of today. It is queued.")
        return redirect("admin:job_page", job.pk)

    def reject_dismiss(self, request: HttpRequest) -> HttpResponse:
        chosen = _chosen(request)
        form = NeededReasonForm(request.POST if _is_confirmed(request) else None)
        if not chosen.ids:
            return _nothing(request, chosen)
        if not form.is_bound or not form.is_valid():
            return self._ask(request, chosen, form, "Dismiss")
        actor = signed_in_user(request).get_username()
        number = dismiss_rejects(rejects=chosen.ids, actor=actor, reason=form.reason_given)
        tell(request, f"{plural(number, 'reject is', 'rejects are')} dismissed.")
        return _back(chosen)

    def _ask(self, request: HttpRequest, chosen: Chosen, form: ActionForm, verb: str) -> HttpResponse:
        first = visible_rejects().filter(pk__in=chosen.ids[:SHOWN]).select_related("job_type").defer("record")
        context = {
            "title": f"{verb} {chosen.words}",
            "verb": verb,
            "chosen": chosen,
            "form": form,
            "rows": [(reject, key_as_text(reject.key) if reject.key else "") for reject in first],
            "more": max(0, len(chosen.ids) - SHOWN),
            "is_bounded": len(chosen.ids) == MOST_AT_ONCE,
        }
        status = 422 if form.is_bound else 200
        return self._admin.draw(request, "portal/reject_question.html", context, status=status)


def _chosen(request: HttpRequest) -> Chosen:
    """Of what the address chooses those that are open; of these the ticked ones, if any were ticked."""
    choice = RejectChoice.from_query(request.GET).of(state=Reject.State.OPEN.value)
    typed = request.POST.getlist("_selected_action")[:MOST_TICKED]
    ticked = [int(text) for text in typed if text.isascii() and text.isdigit() and len(text) < 19]
    found = choice.apply().filter(job__dry_run=False)
    if ticked or "ticked" in request.POST:
        found = found.filter(pk__in=ticked)
    return Chosen(choice, list(found.values_list("pk", flat=True)[:MOST_AT_ONCE]), ticked)


def _is_confirmed(request: HttpRequest) -> bool:
    return request.POST.get("confirmed") == "yes"


def _nothing(request: HttpRequest, chosen: Chosen) -> HttpResponseRedirect:
    warn(request, "Tick open rejects first." if "ticked" in request.POST else "None of these rejects is open any more.")
    return _back(chosen)


def _back(chosen: Chosen) -> HttpResponseRedirect:
    choice = chosen.choice
    if choice.job is not None:
        return redirect("admin:job_rejects", choice.job)
    if chosen.ticked:
        return redirect(f"{reverse('admin:reject_records')}?{choice.query}")
    return redirect(f"{reverse('admin:reject_list')}?{choice.of(stream='', reason='').query}")
