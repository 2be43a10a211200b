"""A job type to be scheduled, and a beat in this process whose clock the test holds."""

from __future__ import annotations

import pytest

from config.celery import app
from syncjobs.models import SyncJobType
from syncjobs.triggers.beat import JobScheduler
from tests.lifecycle.factories import JobTypeFactory


@pytest.fixture
def job_type(transactional_db: None) -> SyncJobType:
    stream = {"source": "items", "target": "items", "key": ["code"]}
    return JobTypeFactory.create(slug="items", name="Items", config={"streams": [stream]})


@pytest.fixture
def beat(transactional_db: None) -> JobScheduler:
    return make_beat()


def make_beat() -> JobScheduler:
    """A scheduler as `celery beat` makes it, without the process around it."""
    return JobScheduler(app=app)
