"""Fields bound to the current work."""

from syncjobs.log_context import bind, bound_fields


def test_fields_add_up_inside_and_are_gone_outside() -> None:
    with bind(sync_id=7, attempt=1):
        with bind(batch=3, attempt=2):
            assert bound_fields() == {"sync_id": 7, "attempt": 2, "batch": 3}
        assert bound_fields() == {"sync_id": 7, "attempt": 1}
    assert bound_fields() == {}
