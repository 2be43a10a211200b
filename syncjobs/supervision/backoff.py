"""When a crashed child is started again. Pure: asks no clock."""

LONGEST_DELAY_SECONDS = 30.0
HEALTHY_SECONDS = 60.0


def crashes_in_a_row(crashes_before: int, lived_seconds: float) -> int:
    """Count this crash; a child that lived for a minute begins anew."""
    return 1 if lived_seconds >= HEALTHY_SECONDS else crashes_before + 1


def restart_delay_seconds(crashes: int) -> float:
    """Return 1, 2, 4 … 30 seconds for the first, second, third … crash in a row."""
    return min(LONGEST_DELAY_SECONDS, 2.0 ** min(crashes - 1, 10))
