"""A JupyterLab of our own, and a page of it that a test drives as a learner would: open, run all, press keys, draw."""
from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

COURSE = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
PATIENCE = 120_000               # milliseconds for what takes a second or two on a quiet machine
SETTINGS = {                     # of JupyterLab, so that a page is whole and nothing pops up in front of it
    "notebook-extension/tracker": {"windowingMode": "none"},          # every cell is in the page, not only those in sight
    "docmanager-extension/plugin": {"autosave": False},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class JupyterLab:
    """`jupyter lab` on a free port, with settings, kernels' files and notebooks in a folder that is thrown away.

    Arguments:
        folder: an empty one.
        sources: files and folders to copy into the served folder; the originals stay as they are.
    """

    def __init__(self, folder: Path, sources: list[Path]):
        self.root, self.log, self.token = folder / "course", folder / "server.log", secrets.token_hex()
        self.root.mkdir()
        for source in sources:
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, self.root / source.name)
        for name, values in SETTINGS.items():
            file = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        own = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
               "IPYTHONDIR": "ipython", "JUPYTERLAB_SETTINGS_DIR": "settings",
               "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "METALIB_TALLY": "tally.json"}
        self.environment = os.environ | {key: str(folder / name) for key, name in own.items()} | {"JUPYTER_TOKEN": self.token}
        self.port = free_port()

    def __enter__(self) -> JupyterLab:
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={self.port}",
                   "--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.root}", "--LabApp.expose_app_in_browser=True",
                   "--LabApp.extension_manager=readonly"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(600):
            if self.process.poll() is not None:
                break
            try:
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.url("api"), timeout=5).close()
                return self
            except urllib.error.HTTPError:
                return self                                           # it answers: it is up
            except OSError:
                time.sleep(0.2)
        self.__exit__()
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text(errors='replace')[-2000:]}")

    def __exit__(self, *_) -> None:
        self.process.terminate()                                      # it ends its kernels itself
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}?token={self.token}"


class LabPage:
    """One notebook in the browser.

    Arguments:
        page: Playwright's page.
        server: where the notebook is.
    """

    def __init__(self, page, server: JupyterLab):
        self.page, self.server = page, server

    def open(self, notebook: str) -> LabPage:
        """Open a notebook (path in the served folder) and wait for its kernel."""
        self.page.goto(self.server.url(f"doc/tree/{notebook}"), wait_until="domcontentloaded", timeout=PATIENCE)
        self.idle()
        return self

    def idle(self) -> None:
        """Wait until the notebook is there and its kernel has nothing to do."""
        self.page.wait_for_function("""() => {
            const panel = window.jupyterapp?.shell?.currentWidget;
            return panel?.context?.isReady && panel.context.sessionContext?.session?.kernel?.status === 'idle';
        }""", timeout=PATIENCE)

    def run_all(self, seconds: float = 400) -> float:
        """Run every cell; return how many seconds it took. The error that a cell raised is raised here."""
        start = time.perf_counter()
        self.page.evaluate("() => { window.ran = false; const done = () => { window.ran = true };"
                           "window.jupyterapp.commands.execute('notebook:run-all-cells').then(done, done) }")
        self.page.wait_for_function("window.ran", timeout=1e3 * seconds)
        self.idle()
        errors = self.errors()
        assert not errors, "\n".join(errors)
        return time.perf_counter() - start

    def run(self, *ids: str) -> None:
        """Run some cells, one after the other."""
        self.page.evaluate("""async ids => {
            const notebook = jupyterapp.shell.currentWidget.content;
            for (const id of ids) {
                notebook.activeCellIndex = notebook.widgets.findIndex(cell => cell.model.id === id);
                await jupyterapp.commands.execute('notebook:run-cell');
            }
        }""", list(ids))
        self.idle()
        assert not self.errors(), self.errors()

    def write(self, cell: str, source: str) -> None:
        """Put a source into a cell."""
        self.page.evaluate("([id, source]) => jupyterapp.shell.currentWidget.content.widgets.find(cell => cell.model.id === id)"
                           ".model.sharedModel.setSource(source)", [cell, source])

    def printed(self, cell: str) -> str:
        """What a cell shows in plain text."""
        cells = self.page.evaluate("() => jupyterapp.shell.currentWidget.content.model.toJSON().cells")
        outputs = next(one for one in cells if one["id"] == cell)["outputs"]
        return "".join("".join(output.get("data", {}).get("text/plain", output.get("text", ""))) for output in outputs)

    def errors(self) -> list[str]:
        """What went wrong in cells that are not there to fail, and every widget that did not appear."""
        cells = self.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells")
        found = [f"cell {cell.get('id')}: {output['ename']}: {output['evalue']}" for cell in cells
                 for output in cell.get("outputs", []) if output["output_type"] == "error"
                 if "raises-exception" not in cell["metadata"].get("tags", [])]
        return found + self.page.locator(".jp-OutputArea-output", has_text="Error displaying widget").all_text_contents()

    def labs(self) -> list[OpenLab]:
        """The labs on the page, each with its first picture."""
        labs = self.page.locator(".metalib-lab")
        found = [OpenLab(labs.nth(i)) for i in range(labs.count())]
        for lab in found:
            lab.picture.wait_for(timeout=PATIENCE)
        return found


class OpenLab:
    """One lab: controls, picture and sentence, as `metalib.course.widgets.shell` builds them."""

    def __init__(self, root):
        self.root, self.page = root, root.page
        self.picture = root.locator("img").first

    def look(self) -> tuple[str, str]:
        """Picture and sentence of the same moment, both there and in agreement."""
        source, alt, said = self.root.evaluate(
            "lab => { const i = lab.querySelector('img');"
            "return [i.src, i.alt, lab.querySelector('[role=status]').textContent] }")
        assert source.startswith("blob:") and said and alt == said
        assert "cannot be shown" not in said, said
        return source, said

    def change(self, act) -> str:
        """The sentence after `act()` has changed the picture; an error where it does not."""
        before = self.picture.get_attribute("data-picture")           # not the source: a lab at rest draws itself again, sharply
        self.look()
        act()
        self.page.wait_for_function("([lab, before]) => lab.querySelector('img').dataset.picture !== before",
                                    arg=[self.root.element_handle(), before], timeout=PATIENCE)
        return self.look()[1]

    def press(self, button: str) -> None:
        """Press a button, or choose an option of toggles, by what is written on it."""
        self.root.get_by_role("button", name=button, exact=True).click()

    def sliders(self) -> dict[str, Slider]:
        """The sliders by their visible labels."""
        boxes = self.root.locator(".widget-slider")
        found = [Slider(self, boxes.nth(i)) for i in range(boxes.count())]
        return {slider.label: slider for slider in found}

    def draw(self, points: list[tuple[float, float]]) -> None:
        """One stroke on the picture with the mouse; points are fractions of its width and height, y down."""
        canvas = self.root.locator("canvas").first
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        (x, y), *rest = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        for x, y in rest:
            self.page.mouse.move(x, y, steps=3)
        self.page.mouse.up()


class Slider:
    """One slider of a lab, moved with the keyboard."""

    def __init__(self, lab: OpenLab, box):
        self.lab, self.label = lab, box.locator(".widget-label").inner_text()
        self.handle = box.locator("[role=slider]").first

    @property
    def name(self) -> str | None:
        """What a screen reader calls it."""
        return self.handle.get_attribute("aria-label")

    @property
    def enabled(self) -> bool:
        return self.handle.evaluate("handle => handle.closest('[disabled]') === null")

    @property
    def at_end(self) -> bool:
        return self.handle.get_attribute("aria-valuenow") == self.handle.get_attribute("aria-valuemax")

    def enable(self) -> None:
        """Some sliders have no meaning for some options of the toggles: look for an option that needs this one."""
        options = self.lab.root.locator(".widget-toggle-buttons button")
        for i in range(options.count()):
            if self.enabled:
                return
            options.nth(i).click()
            self.lab.page.wait_for_timeout(1_000)                     # an option may change nothing but what is greyed out
        assert self.enabled, f"no option of the toggles makes use of {self.label!r}"

    def press(self, key: str) -> None:
        self.handle.press(key)
