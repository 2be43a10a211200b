"""Who did what, when, and through which door. Only ever added to: the database itself refuses anything else."""

from __future__ import annotations

from django.db import models

from syncjobs.asking import Door


class AuditEvent(models.Model):
    """One change that somebody asked for. It refers to no other row, so that it outlives them all.

    `before` and `after` are {place: value} of what changed, or all there was of an object made or deleted.
    """

    at = models.DateTimeField()
    who = models.CharField(max_length=150)
    token = models.CharField(max_length=20, blank=True, default="", help_text="How the API token begins, if one was.")
    door = models.CharField(max_length=10, choices=Door.choices())
    verb = models.CharField(max_length=50)
    object_type = models.CharField(max_length=30)
    object_id = models.BigIntegerField(null=True)
    object_name = models.CharField(max_length=300)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.CharField(max_length=500, blank=True, default="")
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        ordering = ("-id",)
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=("at",), name="audit_by_time"),
            models.Index(fields=("who", "-id"), name="audit_by_person"),
            models.Index(fields=("verb", "-id"), name="audit_by_verb"),
            models.Index(fields=("door", "-id"), name="audit_by_door"),
            models.Index(fields=("object_type", "object_id", "-id"), name="audit_by_object"),
        )

    def __str__(self) -> str:
        return f"{self.verb} {self.object_name}"
