"""Checks of the set-up, each with what to do about a fault. It mends nothing itself."""

import contextlib
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from course_utils.fault import Fault

COURSE = "optimization-in-deep-learning"
INSTALL = "in the course's folder run `python -m pip install -c constraints.txt -e .`"


@dataclass(frozen=True)
class Finding:
    """The outcome of one check: what was found, or the fault with its remedy."""

    subject: str
    found: str = ""
    fault: str = ""


def check_setup() -> None:
    """Print one line for each check. Where all is well the text is the same on every machine."""
    findings = []
    for finding in examine():
        findings.append(finding)
        print(as_line(finding))
    print(verdict(findings))


def examine() -> Iterator[Finding]:
    """Run the checks one by one; none of them raises."""
    for subject, check in CHECKS.items():
        try:
            yield Finding(subject, found=check())
        except Fault as fault:
            yield Finding(subject, fault=str(fault))
        except Exception as error:
            yield Finding(subject, fault=f"{type(error).__name__}: {error}: {INSTALL}")


def as_line(finding: Finding) -> str:
    """Write a finding on one line, without what differs from one healthy machine to the next.

    >>> as_line(Finding("Python", found="3.12.1"))
    'ok     Python'
    >>> as_line(Finding("Python", fault="this is Python 3.10: install Python 3.11"))
    'FAULT  Python: this is Python 3.10: install Python 3.11'
    """
    if finding.fault:
        return f"FAULT  {finding.subject}: {finding.fault}"
    return f"ok     {finding.subject}"


def verdict(findings: list[Finding]) -> str:
    """Sum up in one sentence.

    >>> verdict([Finding("Python"), Finding("kernel", fault="none")])
    '1 of 2 checks found a fault. Mend it, then check again.'
    """
    faults = sum(bool(finding.fault) for finding in findings)
    if faults:
        return f"{faults} of {len(findings)} checks found a fault. Mend it, then check again."
    return "Your set-up is ready."


def check_python() -> str:
    """Return the version of this Python if the course supports it."""
    from packaging.specifiers import SpecifierSet

    supported, this = metadata(COURSE)["Requires-Python"], platform.python_version()
    if not SpecifierSet(supported).contains(this, prereleases=True):
        raise Fault(
            f"this is {this}, and the course needs {supported}: make a virtual environment with "
            "such a Python and install the course there"
        )
    return this


def check_packages() -> str:
    """Return the packages the course needs with their versions, if all are there and fit."""
    from packaging.requirements import Requirement

    needed = [Requirement(line) for line in requires(COURSE) or []]
    needed = [need for need in needed if not need.marker or need.marker.evaluate({"extra": ""})]
    found, faults = [], []
    for need in needed:
        try:
            installed = version(need.name)
        except PackageNotFoundError:
            faults.append(f"{need.name} is missing")
            continue
        found.append(f"{need.name} {installed}")
        if not need.specifier.contains(installed, prereleases=True):
            faults.append(f"{need.name} is {installed}, the course needs {need.specifier}")
    if faults:
        raise Fault(f"{'; '.join(faults)}: {INSTALL}")
    return ", ".join(found)


def check_kernel() -> str:
    """Return this Python's path if notebooks start it as their kernel."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        raise Fault(f"no kernel for Python notebooks: {INSTALL}") from None
    # Jupyter puts its own Python in the place of a bare `python`.
    if program not in {"python", "python3"} and Path(program).parent != Path(sys.executable).parent:
        raise Fault(
            f"notebooks start {program}, and the course is installed for {sys.executable}: "
            "run `python -m jupyter kernelspec remove python3`"
        )
    return sys.executable


def check_widgets() -> str:
    """Return the versions of the widget packages if a widget can be made and shown."""
    import anywidget
    import ipywidgets
    from jupyter_core.paths import jupyter_path

    shown_by = ["@jupyter-widgets/jupyterlab-manager", "anywidget"]
    folders = [Path(folder) for folder in jupyter_path("labextensions")]
    for extension in shown_by:
        if not any((folder / extension / "package.json").is_file() for folder in folders):
            raise Fault(
                f"JupyterLab has no extension {extension}: "
                "run `python -m pip install --force-reinstall anywidget jupyterlab_widgets`"
            )
    widget = anywidget.AnyWidget(_esm="export default {}")
    widget.close()
    return f"ipywidgets {ipywidgets.__version__}, anywidget {anywidget.__version__}"


def check_tensorflow() -> str:
    """Return TensorFlow's version if it starts, tried in a process of its own."""
    program = "import tensorflow; print(tensorflow.__version__)"
    tried = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    if tried.returncode:
        last_line = (tried.stderr.strip().splitlines() or [f"exit code {tried.returncode}"])[-1]
        on_windows = "install Microsoft's Visual C++ Redistributable"
        remedy = on_windows if sys.platform == "win32" else INSTALL
        raise Fault(f"it does not start ({last_line}): {remedy}")
    return tried.stdout.strip()


def check_answers() -> str:
    """Return the file that keeps the learner's answers if it can be written to."""
    from course_utils.quiz.store import open_store

    with contextlib.redirect_stdout(None):  # the store prints its trouble, and so do we
        store = open_store()
    if store.trouble:
        raise Fault(store.trouble)
    try:
        store.path.open("ab").close()
        tempfile.TemporaryFile(dir=store.path.parent).close()
    except OSError as error:
        raise Fault(
            f"cannot write to {store.path} ({error.strerror}): make the file and its folder "
            "writable, or set the environment variable COURSE_HOME to another folder"
        ) from None
    return str(store.path)


def check_lessons() -> str:
    """Return the folder of the lessons if they are there and can be read."""
    from course_utils.places import shipped
    from course_utils.working_copy import FIRST_LESSON

    first = shipped("notebooks") / FIRST_LESSON
    try:
        json.loads(first.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Fault(f"{first} cannot be read: download the course again") from None
    return str(first.parent)


CHECKS = {
    "Python": check_python,
    "packages": check_packages,
    "lessons": check_lessons,
    "kernel, which runs your cells": check_kernel,
    "sliders and questions": check_widgets,
    "place where your answers are kept": check_answers,
    "TensorFlow": check_tensorflow,
}
