"""Keeps one SAP article for each item of a bundle, and deletes the articles of items that are gone."""

from typing import Any

from syncjobs.controllers.base import JobHandle
from tests.acme.models import Bundle, SAPArticle


def get_multiple_target_documents(sync_job: JobHandle, source_doc: Bundle) -> list[dict[str, Any]]:
    if sync_job.source_is_deleted:
        return []
    known = dict(SAPArticle.objects.filter(bundle_number=source_doc.number).values_list("number", "pk"))
    targets: list[dict[str, Any]] = []
    for number in source_doc.items.order_by("article").values_list("article", flat=True):
        target: dict[str, Any] = {"operation": "insert", "context": {"article": number}}
        if number in known:
            target |= {"operation": "update", "target_document_name": known.pop(number)}
        targets.append(target)
    targets += [{"operation": "delete", "target_document_name": key} for key in known.values()]
    return targets


def update_target_doc(sync_job: JobHandle, source_doc: Bundle, target_doc: SAPArticle) -> None:
    if sync_job.operation == "delete":
        return
    item = source_doc.items.get(article=sync_job.get_context()["article"])
    target_doc.bundle_number = source_doc.number
    target_doc.number = item.article
    target_doc.weight = item.weight
    target_doc.picture = item.picture
    target_doc.description = item.description
    target_doc.released_at = source_doc.released_at
    target_doc.attributes = source_doc.attributes
