"""Takes each protection away in a copy of the checkout and runs its tests, which must fail. Ends with 1 if some do not.

`python -m tests.security --page` prints the table of docs/security.md instead.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.security.protections import PROTECTIONS, Protection

CHECKOUT = Path(__file__).resolve().parents[2]
TESTS_FAILED = 1  # pytest's exit code; others mean that the tests did not run


def table() -> str:
    """The threats, what stands against each, and the proof."""
    rows = [
        f"| {one.threat} | {one.name} | {', '.join(f'`tests/{test}`' for test in one.tests)} |" for one in PROTECTIONS
    ]
    return "\n".join(["| Threat | Protection | Proof |", "|---|---|---|", *rows])


def copy_checkout(folder: Path) -> None:
    """What git knows, as it is now."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, check=True, capture_output=True, text=True)  # noqa: S607
    for name in filter(None, names.stdout.split("\0")):
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name)


def run_tests(folder: Path, protection: Protection) -> tuple[int, str]:
    """pytest's exit code and last line."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    tests = [f"tests/{test}" for test in protection.tests]
    done = subprocess.run([*command, *tests], cwd=folder, capture_output=True, text=True)
    return done.returncode, (done.stdout.strip().splitlines() or [done.stderr.strip()])[-1]


def try_without(folder: Path, protection: Protection) -> bool:
    """Whether a test fails while the protection is off."""
    file = folder / protection.file
    text = file.read_text(encoding="utf-8")
    try:
        file.write_text(text.replace(protection.here, protection.instead), encoding="utf-8")
        code, said = run_tests(folder, protection)
    finally:
        file.write_text(text, encoding="utf-8")
    noticed = code == TESTS_FAILED and " failed" in said  # rather than that they could not begin
    tell(f"{'noticed' if noticed else 'NOT NOTICED'}  {protection.threat}: {protection.name} ({said})")
    return noticed


def tell(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what a program says


def main(words: list[str]) -> int:
    """All, or those whose file or threat has one of the words in it."""
    chosen = [one for one in PROTECTIONS if not words or any(word in f"{one.file} {one.threat}" for word in words)]
    with tempfile.TemporaryDirectory(prefix="protections-") as name:
        copy_checkout(Path(name))
        missing = [one.threat for one in chosen if not try_without(Path(name), one)]
    tell(f"{len(chosen) - len(missing)} of {len(chosen)} protections are missed by their tests when they are off.")
    return 1 if missing else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--page"]:
        tell(table())
    else:
        sys.exit(main(sys.argv[1:]))
