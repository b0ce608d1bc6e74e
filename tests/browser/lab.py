"""A lesson in a real JupyterLab in a real Chromium, opened as `course lab` opens it."""

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
BROKEN = """() => [...document.querySelectorAll('.jp-OutputArea')].filter(area =>
  /Error displaying widget|model not found|Failed to load model/.test(area.innerText)).length"""


@contextmanager
def jupyterlab(folder, course_home):
    """Run `course lab` on a folder; yield the address of JupyterLab."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "course_utils.cli", "lab", str(folder), "--", "--no-browser"]
    command += ["--allow-root", f"--port={port}", "--IdentityProvider.token="]
    command += ["--LabApp.expose_app_in_browser=True"]
    # A learner's own settings must not decide what the tests see.
    for variable in ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_CONFIG_DIR"):
        os.makedirs(course_home / variable, exist_ok=True)
    own = {
        name: str(course_home / name)
        for name in ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_CONFIG_DIR")
    }
    log = open(course_home / "lab.log", "w")  # noqa: SIM115
    server = subprocess.Popen(
        command,
        env={**os.environ, **own, "COURSE_HOME": str(course_home)},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/api", server, course_home / "lab.log")
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


def _wait_for(address, server, log, seconds=90):
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"JupyterLab did not answer:\n{log.read_text()}") from None
            time.sleep(0.3)


class Lesson:
    """One notebook in the browser, with what a test needs to do in it."""

    def __init__(self, page, address, name):
        self.page = page
        self.outside, self.complaints = [], []
        page.on("request", self._note_request)
        page.on("console", self._note_complaint)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"{address}/lab/tree/{name}?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        self.wait_until_idle()
        page.evaluate("() => window.jupyterapp.shell.collapseLeft()")

    def _note_request(self, request):
        if request.url.startswith("http") and not re.match(r"http://127\.0\.0\.1[:/]", request.url):
            self.outside.append(request.url)

    def _note_complaint(self, message):
        if message.type == "error":
            self.complaints.append(message.text)

    def wait_until_idle(self, seconds=120):
        self.page.wait_for_function(IDLE, timeout=1000 * seconds)

    def run_all(self):
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.wait_until_idle()
        self.page.wait_for_timeout(1500)

    def restart_kernel(self):
        self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
        )
        self.wait_until_idle()

    @property
    def errors(self):
        return self.page.evaluate(ERRORS)

    @property
    def broken_widgets(self):
        return self.page.evaluate(BROKEN)

    def output_of(self, code):
        """Return the output area of the cell whose source holds this code."""
        cell = self.page.locator(".jp-CodeCell").filter(
            has=self.page.locator(".jp-InputArea", has_text=code)
        )
        return cell.first.locator(".jp-Cell-outputArea")
