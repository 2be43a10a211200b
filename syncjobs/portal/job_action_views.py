"""The addresses of a job's verbs: each one POST and one call of an operation; some ask first on a page of their own."""

from __future__ import annotations

from functools import partial

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils import timezone

from syncjobs.lifecycle import StatusConflict, allowed_actions
from syncjobs.models import SyncJob
from syncjobs.operations.refused_verbs import why_refused
from syncjobs.operations.run_requests import RunRefused
from syncjobs.portal import job_reads
from syncjobs.portal.forms.action_forms import ActionForm
from syncjobs.portal.job_actions import ACTIONS, Action, Ask
from syncjobs.portal.pages import FORM, POSTING, PortalAdmin, local_address, refuse, signed_in_user, tell


class JobActionViews:
    """One view for each verb, for the jobs' admin class to put among its pages."""

    def __init__(self, admin: PortalAdmin) -> None:
        self._admin = admin

    def pages(self) -> list[URLPattern]:
        return [self._page(action) for action in ACTIONS.values()]

    def _page(self, action: Action) -> URLPattern:
        view, methods = (self._ask_first, FORM) if action.asks else (self._do_at_once, POSTING)
        route = f"<int:job_id>/{action.name.replace('_', '-')}/"
        return self._admin.page(route, partial(view, action), f"job_{action.name}", needs=action.needs, methods=methods)

    def _do_at_once(self, action: Action, request: HttpRequest, job_id: int) -> HttpResponse:
        return self._act(request, Ask(action.name, job_reads.get_job(job_id).pk, signed_in_user(request)))

    def _ask_first(self, action: Action, request: HttpRequest, job_id: int) -> HttpResponse:
        job = job_reads.get_job(job_id)
        form = (action.form or ActionForm)(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            ask = Ask(action.name, job_id, signed_in_user(request), reason=form.reason_given, force=form.is_forced)
            return self._act(request, ask)
        return self._draw_question(request, action, job, form)

    def _draw_question(self, request: HttpRequest, action: Action, job: SyncJob, form: ActionForm) -> HttpResponse:
        refusal = why_refused(job, action.name, timezone.now())
        context = {
            "title": f"{action.question} #{job.pk}",
            "job": job,
            "action": action,
            "form": form,
            "refusal": refusal,
            "consequence": "" if refusal else action.consequence_for(job),
            "left": [ACTIONS[name].label for name in allowed_actions(job) if name != action.name] if refusal else [],
        }
        status = 422 if form.is_bound else 200
        return self._admin.draw(request, "portal/job_question.html", context, status=status)

    def _act(self, request: HttpRequest, ask: Ask) -> HttpResponse:
        try:
            answer = ACTIONS[ask.action].do(ask)
        except StatusConflict as conflict:
            refuse(request, conflict)
            return _back(request, ask.job_id)
        except RunRefused as refusal:
            refuse(request, refusal)
            return _back(request, ask.job_id)
        except SyncJob.DoesNotExist as error:
            raise Http404(f"There is no job #{ask.job_id} any more.") from error
        tell(request, answer.sentence)
        return _back(request, answer.job_id)


def _back(request: HttpRequest, job_id: int | None) -> HttpResponseRedirect:
    """To the list that it was asked from, else to the job's page, else, without a job, to the jobs."""
    if address := local_address(request, request.POST.get("next", "")):
        return HttpResponseRedirect(address)
    return redirect("admin:job_list") if job_id is None else redirect("admin:job_page", job_id)
