"""`make screenshots`: photographs every page with a made-up company in it, light and dark, wide and narrow.

Starts a stack of its own with the embedded defaults and the sandbox, runs a real sync, and ends it all afterwards.
"""

from __future__ import annotations

import argparse
import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import django
from playwright.sync_api import Page, sync_playwright

from tests.isolation import DATA_DIR
from tests.pictures.shrinking import shrink

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = {"wide": (1280, 800), "narrow": (390, 844)}
LIMIT_SECONDS = 90.0
PASSWORD = "a-good-password"
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# What the documentation shows, small enough for docs/pictures/.
CHOSEN = {
    "index": "dashboard",
    "job_page started": "job",
    "job_changes": "changes",
    "job_type_edit": "type",
    "failure_list": "failures",
}


def start_stack(port: int) -> subprocess.Popen[bytes]:
    """`manage.py up --demo` on a data directory of its own; returns once the portal answers."""
    os.environ["SYNCDECK_APPS"] = "tests.acme"
    command = [sys.executable, "manage.py", "up", "--demo", "--port", str(port)]
    with (DATA_DIR / "up.log").open("wb") as log:
        stack = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    atexit.register(end_stack, stack)
    give_up = time.monotonic() + LIMIT_SECONDS
    while "Syncdeck is ready" not in (DATA_DIR / "up.log").read_text(errors="replace"):
        if stack.poll() is not None or time.monotonic() > give_up:
            sys.exit((DATA_DIR / "up.log").read_text(errors="replace")[-3000:])
        time.sleep(0.2)
    return stack


def end_stack(stack: subprocess.Popen[bytes]) -> None:
    stack.send_signal(signal.SIGTERM)
    try:
        stack.wait(timeout=40)
    except subprocess.TimeoutExpired:
        os.killpg(stack.pid, signal.SIGKILL)
        stack.wait()
    shutil.rmtree(DATA_DIR, ignore_errors=True)


def fill_stack() -> dict[str, str]:
    """Wait for the demo's own sync, then let the made-up company in; returns the pages by their labels."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    from django.contrib.auth.models import User  # noqa: PLC0415 - settings are there only now

    from syncjobs.models import SyncJob  # noqa: PLC0415
    from tests.pictures.company import found_company  # noqa: PLC0415
    from tests.pictures.happenings import happen  # noqa: PLC0415
    from tests.pictures.walk import addresses  # noqa: PLC0415

    give_up = time.monotonic() + LIMIT_SECONDS
    while not SyncJob.objects.filter(status="finished").exists() and time.monotonic() < give_up:
        time.sleep(0.2)
    User.objects.create_superuser("anna", "anna@example.org", PASSWORD)
    found_company()
    return addresses(happen())


def take_pictures(origin: str, pages: dict[str, str], folder: Path, chromium: str) -> None:
    """One file for each page, theme and size, the whole page long; of a few also what a screen shows of them."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for theme in THEMES:
            context = browser.new_context(base_url=origin, color_scheme=theme, reduced_motion="reduce")
            page = context.new_page()
            log_in(page)
            for label, address in pages.items():
                if label == "login":
                    context.clear_cookies()
                page.goto(address, wait_until="load")
                name = label.replace(" ", "-")
                for size, (width, height) in SIZES.items():
                    page.set_viewport_size({"width": width, "height": height})
                    page.screenshot(path=folder / f"{name}-{theme}-{size}.png", full_page=True)
                    if label in CHOSEN and size == "wide":
                        page.screenshot(path=folder / "chosen" / f"{CHOSEN[label]}-{theme}.png")
                        shrink(folder / "chosen" / f"{CHOSEN[label]}-{theme}.png")
                if label == "login":
                    log_in(page)
        browser.close()


def log_in(page: Page) -> None:
    page.goto("/admin/login/")
    page.fill("[name=username]", "anna")
    page.fill("[name=password]", PASSWORD)
    page.click("text=Log in")
    page.wait_for_selector("h1:has-text('Dashboard')")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("screenshots"), help="where the pictures go")
    parser.add_argument("--only", nargs="*", default=[""], help="only the pages in whose labels one of these stands")
    options = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("Neither chromium nor google-chrome is on PATH; install chromium.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (options.folder / "chosen").mkdir(parents=True, exist_ok=True)
    start_stack(port)
    filled = fill_stack()
    pages = {label: filled[label] for label in filled if any(part in label for part in options.only)}
    take_pictures(f"http://127.0.0.1:{port}", pages, options.folder, chromium)
    print(f"{len(pages)} pages, {len(pages) * len(THEMES) * len(SIZES)} pictures, in {options.folder}/")  # noqa: T201


if __name__ == "__main__":
    main()
