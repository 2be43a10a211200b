"""Job types whose streams would feed themselves."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from syncjobs.operations.connectors import connector_from_shape, save_connector
from syncjobs.operations.job_types import job_type_from_shape, save_job_type


@pytest.mark.django_db
def test_a_type_that_writes_what_it_reads_is_refused_with_the_way_out() -> None:
    for slug in ("here", "there"):
        save_connector(connector_from_shape({"slug": slug, "kind": "sqlite", "config": {"path": f"{slug}.sqlite3"}}))
    streams = [{"source": "a", "target": "b", "mode": "append"}, {"source": "b", "target": "a", "mode": "append"}]
    shape = {"slug": "ring", "source_connector": "here", "config": {"streams": streams}}
    with pytest.raises(ValidationError) as caught:
        save_job_type(job_type_from_shape(shape | {"target_connector": "here"}), actor="test")
    rest = "would be written back to it; choose another target or another connector"
    assert caught.value.messages == [
        f"streams[0].target: what is read from 'a' {rest}",
        f"streams[1].target: what is read from 'b' {rest}",
    ]
    assert save_job_type(job_type_from_shape(shape | {"target_connector": "there"}), actor="test").pk
