"""Lets a signed-in person ask for the sync of one customer."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404

from syncjobs.operations import enqueue_sync_job
from tests.acme.models import Customer


@login_required
def sync_customer(request: HttpRequest, number: str) -> JsonResponse:
    customer = get_object_or_404(Customer, number=number)
    job = enqueue_sync_job(
        sync_job_type="sap-customer-sync", source_doc=customer, actor=request.user.get_username(), max_retries=0
    )
    return JsonResponse({"job": job.pk}, status=202)
