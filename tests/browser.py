"""A headless Chromium for tests of pages."""

import shutil

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


# While it is open, an event loop runs in this thread, and tests of others could start none.
@pytest.fixture(scope="module")
def browser():
    """The machine's own Chromium: `browser.new_page()` opens a page."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("chromium is absent: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Containers run tests as root, and their /dev/shm is small.
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()
