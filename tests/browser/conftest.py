"""One JupyterLab for all browser tests, on copies of the notebooks; a browser for each file."""
import pytest
from lab_page import CHROMIUM, COURSE, FLAGS, JupyterLab, LabPage


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("there is no Chromium to test with; on Debian: apt-get install chromium")
    sources = [COURSE / name for name in ("notebooks", "figures") if (COURSE / name).is_dir()]
    with JupyterLab(tmp_path_factory.mktemp("jupyter"), sources) as running:
        yield running


# Not for the session: while Playwright is on, this thread has a running event loop, and code tested after it would notice.
@pytest.fixture(scope="module")
def browser(server):
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def lab_page(browser, server):
    """A page of 1280 x 900 pixels, nothing opened yet."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield LabPage(context.new_page(), server)
    context.close()
