"""Python loads this by itself where it lies on PYTHONPATH: for processes under libfaketime, whose sleep it mends.

With only the time of day faked, libfaketime 0.9.10 makes every clock_nanosleep fail (EINVAL), which is what time.sleep
calls. Waiting for no file at all does the same.
"""

import select
import time


def sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = sleep  # type: ignore[assignment]
