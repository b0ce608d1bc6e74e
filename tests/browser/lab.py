"""A lesson in a real JupyterLab or Notebook 7 in a real Chromium, and what a test does in it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect, sync_playwright

from course_utils.places import shipped
from course_utils.working_copy import refresh

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
IDLE = (
    "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status"
    " === 'idle'"
)
ERRORS = """() => [...document.querySelectorAll('.jp-Notebook .jp-Cell')].flatMap((cell, i) =>
  [...cell.querySelectorAll('[data-mime-type="application/vnd.jupyter.stderr"], '
    + '[data-mime-type="application/vnd.jupyter.error"]')].map(e => `cell ${i}: ${e.innerText}`))"""
DRAWN = """() => [...document.querySelectorAll(
  '[data-mime-type="application/vnd.jupyter.widget-view+json"]')].every(output =>
  output.querySelector('.jupyter-widgets, .lm-Widget') || output.innerText.trim())"""
BROKEN = """() => [...document.querySelectorAll('.jp-OutputArea')].filter(area =>
  /Error displaying widget|model not found|Failed to load model/.test(area.innerText)).length"""

PATIENCE = 30_000  # milliseconds: how long an expectation waits where a machine is busy

# Errors of others: of Notebook 7, now and then while it opens (jupyter/notebook issue 7862); and of
# anywidget, where a machine is so busy that a widget takes two seconds to begin. That one is drawn
# but hears nothing any more, so that a test that uses it fails.
NOT_OURS = (
    "Cannot read properties of undefined (reading 'schema')",
    "[anywidget] Failed to initialize model.",
)

# Runs in every Python process of the server: notes each connection that leaves this machine.
WATCH = """\
import sys

def note(event, arguments, local=("127.0.0.1", "::1", "localhost", "0.0.0.0", "", None)):
    if event not in ("socket.connect", "socket.getaddrinfo"):
        return
    target = arguments[1] if event == "socket.connect" else arguments
    if isinstance(target, tuple) and target[0] not in local:
        with open({log!r}, "a") as log:
            log.write(f"{{event}} {{target}}\\n")

sys.addaudithook(note)
"""

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("COURSE_REQUIRE_BROWSER"),
    reason="needs Chromium: install Debian's package chromium",
)


@contextmanager
def jupyterlab(folder, course_home):
    """Run `course lab` on a folder; yield the address of JupyterLab."""
    command = [sys.executable, "-m", "course_utils.cli", "lab", str(folder), "--"]
    with _served([*command, "--LabApp.expose_app_in_browser=True"], course_home) as address:
        yield address


@contextmanager
def notebook7(folder, course_home):
    """Run Jupyter Notebook on a copy of the lessons; yield its address."""
    refresh(shipped("notebooks"), folder)
    command = [sys.executable, "-m", "notebook", f"--ServerApp.root_dir={folder}"]
    command += ["--JupyterNotebookApp.expose_app_in_browser=True"]
    with _served(command, course_home) as address:
        yield address


@contextmanager
def _served(command, course_home):
    """Run a Jupyter server with settings and a record of its own; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--no-browser", "--allow-root", f"--port={port}", "--IdentityProvider.token="]
    # A learner's own settings must not decide what the tests see.
    variables = ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_CONFIG_DIR")
    own = {name: str(course_home / name) for name in (*variables, "PYTHONPATH")}
    for place in own.values():
        os.makedirs(place, exist_ok=True)
    watch = WATCH.format(log=str(course_home / "connections.txt"))
    (course_home / "PYTHONPATH" / "sitecustomize.py").write_text(watch)
    log = open(course_home / "server.log", "w")  # noqa: SIM115
    server = subprocess.Popen(
        [*command, *options],
        env={**os.environ, **own, "COURSE_HOME": str(course_home)},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/api", server, course_home / "server.log")
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


@contextmanager
def chromium():
    """Run Chromium; yield it."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def connections(course_home):
    """Return what the server and its kernels asked of other machines, one line each."""
    log = course_home / "connections.txt"
    return log.read_text().splitlines() if log.exists() else []


def _wait_for(address, server, log, seconds=90):
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not answer:\n{log.read_text()}") from None
            time.sleep(0.3)


def in_sight(button):
    """Return where a handle lies once the page rests; JupyterLab may still scroll to its cell."""
    height, frame = button.page.viewport_size["height"], None
    for _ in range(20):
        button.hover()
        frame, before = button.bounding_box(), frame
        if frame == before and 0 < frame["y"] + frame["height"] / 2 < height:
            return frame
        button.page.wait_for_timeout(100)
    raise AssertionError(f"the page does not come to rest, the handle lies at {frame}")


class Lesson:
    """One notebook in the browser, with what a test needs to do in it.

    `app` is where the server's notebooks open: "lab/tree" or, in Notebook 7, "notebooks".
    """

    def __init__(self, page, address, name, app="lab/tree"):
        self.page = page
        self.outside, self.complaints = [], []
        page.on("request", lambda request: self._note_address(request.url))
        page.on("websocket", lambda channel: self._note_address(channel.url))
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self._note_complaint(error.message))
        page.goto(f"{address}/{app}/{name}?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        self.wait_until_idle()
        page.evaluate("() => window.jupyterapp.shell.collapseLeft()")

    def _note_address(self, url):
        if not re.match(r"((http|ws)://127\.0\.0\.1[:/])|data:|blob:|about:", url):
            self.outside.append(url)

    def _note_message(self, message):
        if message.type == "error":
            self._note_complaint(message.text)

    def _note_complaint(self, text):
        if text not in NOT_OURS:
            self.complaints.append(text)

    def wait_until_idle(self, seconds=120):
        self.page.wait_for_function(IDLE, timeout=1000 * seconds)

    def run_all(self):
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.wait_until_idle()
        self.page.wait_for_function(DRAWN)

    def restart_kernel(self):
        self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
        )
        self.wait_until_idle()

    def shut_down(self):
        """End the kernel, which else lives as long as the server."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")

    @property
    def errors(self):
        return self.page.evaluate(ERRORS)

    @property
    def broken_widgets(self):
        return self.page.evaluate(BROKEN)

    def cell(self, code):
        """Return the first cell whose source holds this code."""
        cell = self.page.locator(".jp-CodeCell").filter(
            has=self.page.locator(".jp-InputArea", has_text=code)
        )
        return cell.first

    def output_of(self, code):
        """Return the output area of the first cell whose source holds this code."""
        return self.cell(code).locator(".jp-Cell-outputArea")

    def run(self, cell):
        """Run a cell as a learner does, from its editor."""
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def rewrite(self, cell, code):
        """Replace a cell's code as a learner who pastes it does, and run the cell."""
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Control+Enter")
