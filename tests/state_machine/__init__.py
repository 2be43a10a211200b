"""The state machine over the real operations; its modules assert as tests do, so they say as much as tests."""

import pytest

pytest.register_assert_rewrite(
    *(f"{__name__}.{name}" for name in ("machine_base", "outlet", "people", "workers", "world"))
)
