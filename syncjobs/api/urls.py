"""The addresses of the API: `urlpatterns` below /api/v1/, `familiar_patterns` below /sync/."""

from __future__ import annotations

from django.urls import include, path, re_path

from syncjobs.api import (
    chain_views,
    connector_views,
    failure_views,
    job_type_views,
    job_views,
    reject_action_views,
    reject_views,
    schedule_views,
    sync_urls,
    token_views,
    webhook_views,
)
from syncjobs.api.audit_views import AuditDetail, AuditList
from syncjobs.api.connector_action_views import ACTION_VIEWS as CONNECTOR_VIEWS
from syncjobs.api.documents import DocsView, SchemaView
from syncjobs.api.job_action_views import ACTION_VIEWS
from syncjobs.api.job_part_views import PART_VIEWS, JobMetrics
from syncjobs.api.job_type_part_views import PART_VIEWS as TYPE_PART_VIEWS
from syncjobs.api.job_type_verb_views import VERB_VIEWS
from syncjobs.api.job_type_version_views import VERSION_VIEWS
from syncjobs.api.missing import MissingView
from syncjobs.api.record_views import RecordHistoryView
from syncjobs.api.worker_views import WorkerList

ONE_CONNECTOR = "connectors/<slug:slug>/"
ONE_JOB = "jobs/<int:job_id>/"
ONE_TYPE = "job-types/<slug:slug>/"

urlpatterns = [
    path("schema/", SchemaView.as_view(), name="api_schema"),
    path("docs/", DocsView.as_view(), name="api_docs"),
    path("connectors/", connector_views.ConnectorList.as_view()),
    path(ONE_CONNECTOR, connector_views.ConnectorDetail.as_view()),
    *(path(f"{ONE_CONNECTOR}{route}", view.as_view()) for route, view in CONNECTOR_VIEWS.items()),
    path("job-types/", job_type_views.JobTypeList.as_view()),
    path(ONE_TYPE, job_type_views.JobTypeDetail.as_view()),
    *(path(f"{ONE_TYPE}{name}/", view.as_view()) for name, view in VERB_VIEWS.items()),
    *(path(f"{ONE_TYPE}{route}", view.as_view()) for route, view in (TYPE_PART_VIEWS | VERSION_VIEWS).items()),
    path("jobs/", job_views.JobList.as_view()),
    path("jobs/summary/", job_views.JobSummary.as_view()),
    path(ONE_JOB, job_views.JobDetail.as_view()),
    path(f"{ONE_JOB}metrics/", JobMetrics.as_view()),
    *(path(f"{ONE_JOB}{name}/", view.as_view()) for name, view in PART_VIEWS.items()),
    *(path(f"{ONE_JOB}{name}/", view.as_view()) for name, view in ACTION_VIEWS.items()),
    path("schedules/", schedule_views.ScheduleList.as_view()),
    path("schedules/<int:schedule_id>/", schedule_views.ScheduleDetail.as_view()),
    path("schedules/<int:schedule_id>/run/", schedule_views.ScheduleRun.as_view()),
    path("rejects/", reject_views.RejectList.as_view()),
    path("rejects/groups/", reject_action_views.RejectGroups.as_view()),
    path("rejects/replay/", reject_action_views.RejectReplay.as_view()),
    path("rejects/dismiss/", reject_action_views.RejectDismiss.as_view()),
    path("failures/", failure_views.FailureList.as_view()),
    path("failures/<slug:fingerprint>/", failure_views.FailureDetail.as_view()),
    path("failures/<slug:fingerprint>/retry/", failure_views.FailureRetry.as_view()),
    path("rejects/<int:reject_id>/", reject_views.RejectDetail.as_view()),
    path("records/", RecordHistoryView.as_view()),
    path("tokens/", token_views.TokenList.as_view()),
    path("tokens/<int:token_id>/", token_views.TokenDetail.as_view()),
    path("webhooks/", webhook_views.WebhookList.as_view()),
    path("webhooks/<int:webhook_id>/", webhook_views.WebhookDetail.as_view()),
    path("webhooks/<int:webhook_id>/rotate/", webhook_views.WebhookRotate.as_view()),
    path("webhooks/<int:webhook_id>/switch/", webhook_views.WebhookSwitch.as_view()),
    path("chains/", chain_views.ChainList.as_view()),
    path("chains/<int:chain_id>/", chain_views.ChainDetail.as_view()),
    path("chains/<int:chain_id>/switch/", chain_views.ChainSwitch.as_view()),
    path("workers/", WorkerList.as_view()),
    path("audit/", AuditList.as_view()),
    path("audit/<int:entry_id>/", AuditDetail.as_view()),
    path("sync/", include([*sync_urls.described, *sync_urls.bare])),
    re_path("", MissingView.as_view()),
]
familiar_patterns = [*sync_urls.familiar, *sync_urls.bare, sync_urls.missing]
