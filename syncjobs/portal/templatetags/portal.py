"""Tags and filters of the portal's templates. Markup only by format_html and templates: data is always escaped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from syncjobs.diffs import hide_secrets
from syncjobs.models import Reject, SyncJob
from syncjobs.operations.descriptions import status_text
from syncjobs.portal import words
from syncjobs.portal.change_facts import Value
from syncjobs.statuses import Phase, Status

register = template.Library()
register.filter("short_number", words.short_number)
register.filter("size", words.size_text)
register.filter("span", words.span_text)
register.filter("limit_span", words.every_text)
register.filter("pretty_json", words.pretty_json)
register.filter("hide_secrets", hide_secrets)
register.filter("value_text", words.value_text)
register.filter("setting_text", words.setting_text)
REJECT_COLOURS = {"open": "warn", "replayed": "ok", "healed": "ok", "dismissed": "quiet"}
SPARK_WIDTH, SPARK_HEIGHT = 160.0, 26.0


@register.filter
def number(value: Any) -> str:
    """A number with its thousands apart; a dash where a template found none."""
    return words.number_text(value if isinstance(value, int | float) else None)


@register.filter
def changed(job: SyncJob) -> str:
    """What a job changed (or would), a dash for one that has not begun."""
    return words.NOTHING if job.started_at is None else words.changed_text(job.tally)


@register.simple_tag(takes_context=True)
def ago(context: Context, moment: datetime | None) -> SafeString | str:
    """The time relative to the page's `now`, with the exact one on hovering and for machines."""
    if moment is None:
        return words.NOTHING
    now = context.get("now") or timezone.now()
    return _time_element(moment, words.relative_text(moment, now))


@register.simple_tag
def own_time(moment: datetime, pattern: str) -> SafeString:
    """A moment by the clock that it carries, not by the project's, in Django's date format."""
    return format_html(
        '<time datetime="{}">{}</time>', moment.isoformat(timespec="seconds"), date_format(moment, pattern)
    )


@register.simple_tag
def clock(moment: datetime | None, pattern: str = "%H:%M:%S") -> SafeString | str:
    """The time of day, with the whole date on hovering."""
    return words.NOTHING if moment is None else _time_element(moment, timezone.localtime(moment).strftime(pattern))


def _time_element(moment: datetime, text: str) -> SafeString:
    local = timezone.localtime(moment)
    exact = local.strftime("%a %d %b %Y, %H:%M:%S %Z")
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(timespec="seconds"), exact, text)


@register.simple_tag(takes_context=True)
def job_pill(context: Context, job: SyncJob, *, with_phase: bool = False) -> SafeString:
    """The status in a word, coloured; a started job's phase beside it if asked for."""
    text = status_text(job, context.get("now") or timezone.now())
    if with_phase and job.status == Status.STARTED and job.phase:
        text = f"{text} · {Phase(job.phase).label.lower()}"
    if job.status == Status.STARTED and job.cancel_requested_at:
        text = "Started · stopping"
    is_planned = job.dry_run and job.status == Status.FINISHED
    return _pill("planned" if is_planned else job.status, text)


@register.simple_tag
def pill(kind: str, text: str) -> SafeString:
    """A pill that is no job's: `kind` is one of the colours ok, warn, bad, info, quiet, plan."""
    return _pill(kind, text)


def _pill(kind: str, text: str) -> SafeString:
    return format_html('<span class="pill {}">{}</span>', kind, text)


@register.simple_tag
def reject_pill(reject: Reject) -> SafeString:
    """A reject's state."""
    return _pill(REJECT_COLOURS[reject.state], reject.get_state_display())


@register.simple_tag
def old_value(value: Value) -> SafeString:
    """What a field was."""
    return format_html('<del class="old{}">{}</del>', " nothing" if value.is_nothing else "", value.text)


@register.simple_tag
def new_value(value: Value) -> SafeString:
    """What a field is since, or would be."""
    return format_html('<ins class="new{}">{}</ins>', " nothing" if value.is_nothing else "", value.text)


@register.simple_tag
def health_pill(ok: bool | None) -> SafeString:
    """A connector's last test."""
    if ok is None:
        return _pill("quiet", "Not tested")
    return _pill("ok", "Works") if ok else _pill("bad", "Fails")


@register.filter
def spark_points(numbers: Sequence[float]) -> str:
    """The points of a polyline 160 by 26 through the numbers; 2 px stay free at top and bottom."""
    highest = max(numbers, default=0) or 1
    step = SPARK_WIDTH / max(1, len(numbers) - 1)
    room = SPARK_HEIGHT - 4
    return " ".join(f"{index * step:.1f},{2 + room * (1 - value / highest):.1f}" for index, value in enumerate(numbers))


@register.filter
def milliseconds(number: float) -> str:
    """A short time: milliseconds below a second, else seconds."""
    return f"{number:,.0f} ms" if number < 1000 else words.span_text(number / 1000)


@register.filter
def status_label(status: str) -> str:
    """The label of a stored status, of the outcomes of attempts, too."""
    return Status(status).label if status in set(Status) else status.title()
