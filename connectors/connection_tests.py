"""Runs a connector's staged connection test and keeps its history. Decides nothing about what is tested."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, replace

from django.db import transaction
from django.utils import timezone

from connectors.checks import CheckStep, timed_step
from connectors.errors import SyncError
from connectors.models import ConnectionTest, Connector
from connectors.redaction import redact

KEPT = 50

logger = logging.getLogger(__name__)


def run_connection_test(connector: Connector) -> ConnectionTest:
    """Test a saved connector, also a disabled one; the result is stored. Never raises for what the test finds."""
    *_, test = watch_connection_test(connector)
    assert isinstance(test, ConnectionTest)  # noqa: S101 - told to the type checker
    return test


def watch_connection_test(connector: Connector) -> Iterator[CheckStep | ConnectionTest]:
    """The same while it goes on: each step when it is done, and at the end the test as it is stored."""
    started = time.perf_counter()
    steps = []
    for step in check_steps(connector):
        steps.append(step)
        yield step
    yield _keep(connector, steps, round((time.perf_counter() - started) * 1000, 1))


def _keep(connector: Connector, steps: list[CheckStep], milliseconds: float) -> ConnectionTest:
    failed = next((step for step in steps if not step.ok), None)
    message = f"{failed.name}: {failed.message}" if failed else f"all {len(steps)} steps passed"
    with transaction.atomic():
        test = ConnectionTest.objects.create(
            connector=connector, ok=failed is None, milliseconds=milliseconds, steps=[asdict(step) for step in steps]
        )
        connector.last_test_ok, connector.last_test_message = test.ok, message
        connector.last_tested_at = timezone.now()
        connector.save(update_fields=["last_test_ok", "last_test_message", "last_tested_at"])
        kept = ConnectionTest.objects.filter(connector=connector).order_by("-id").values("id")[:KEPT]
        ConnectionTest.objects.filter(connector=connector).exclude(
            id__in=list(kept.values_list("id", flat=True))
        ).delete()
    return test


def check_steps(connector: Connector) -> Iterator[CheckStep]:
    """The steps as they are done, without secrets in their texts; stores nothing, so it suits unsaved connectors."""
    started = time.perf_counter()
    try:
        runtime = connector.open(even_disabled=True)
    except SyncError as error:
        yield timed_step("settings", started, redact(error.message), ok=False, fix=redact(error.hint))
        return
    try:
        for step in runtime.check():
            yield replace(step, message=redact(step.message), fix=redact(step.fix))
    except SyncError as error:
        yield timed_step("check", started, redact(error.message), ok=False, fix=redact(error.hint))
    except Exception:
        # Kinds come from other packages, too; a bug there is a failed test and no broken page.
        logger.exception("The connection test of %s broke off.", connector.slug)
        yield timed_step(
            "check",
            started,
            f"the kind '{connector.kind}' has a bug",
            ok=False,
            fix="The log of this process says more.",
        )
    finally:
        runtime.close()
