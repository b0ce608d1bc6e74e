import ast
import json
import os
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from importlib import resources
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from packaging.specifiers import SpecifierSet

from course_utils import cli, doctor, places
from course_utils.doctor import Finding

ROOT = Path(__file__).parents[1]


@pytest.fixture
def lessons(tmp_path, monkeypatch):
    """Two small lessons in the place of the course's own."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    for name in ("00_start_here", "01_one"):
        (folder / f"{name}.ipynb").write_text('{"cells": [], "metadata": {}}')
    monkeypatch.setattr(places, "shipped", lambda _: folder)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def opened(monkeypatch):
    """What JupyterLab would have been started with."""
    calls = []
    monkeypatch.setattr("jupyterlab.labapp.main", calls.append)
    return calls


def the_line(capsys):
    """The one line on stderr."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_lab_copies_the_lessons_and_opens_the_first(lessons, opened, tmp_path, capsys):
    assert cli.main(["lab"]) == 0
    ((first, *_),) = opened
    assert first == str(tmp_path / "my_course" / "00_start_here.ipynb")
    assert sorted(path.name for path in (tmp_path / "my_course").glob("*.ipynb")) == [
        "00_start_here.ipynb",
        "01_one.ipynb",
    ]
    assert f"Your lessons are in {tmp_path / 'my_course'}" in capsys.readouterr().out


def test_lab_takes_another_folder_and_hands_on_what_follows_the_dashes(lessons, opened):
    assert cli.main(["lab", "other", "--", "--no-browser", "--", "x"]) == 0
    ((first, _, *handed_on),) = opened
    assert Path(first).parent.name == "other"
    assert handed_on == ["--no-browser", "--", "x"]


def test_lab_lists_what_the_learner_changed_and_says_how_to_get_the_courses(
    lessons, opened, capsys
):
    cli.main(["lab"])
    Path("my_course", "01_one.ipynb").write_text("mine")
    capsys.readouterr()
    assert cli.main(["lab"]) == 0
    out = capsys.readouterr().out
    assert "kept as you changed it: 01_one.ipynb" in out
    assert "rename yours" in out
    assert "00_start_here" not in out
    assert len(opened) == 2


@pytest.mark.parametrize(
    ("folder", "says"),
    [
        ("file", "file is a file: choose another"),
        ("file/mine", "cannot write to file/mine (Not a directory): choose another"),
        ("shipped", "shipped holds the course's own lessons: choose another"),
        ("shipped/mine", "shipped/mine holds the course's own lessons: choose another"),
    ],
)
def test_a_folder_that_cannot_be_used_is_one_clear_line(lessons, opened, capsys, folder, says):
    Path("file").write_text("")
    assert cli.main(["lab", folder]) == 1
    assert the_line(capsys).startswith(f"course: {says}")
    assert opened == []


def test_a_folder_without_permission_is_one_clear_line(lessons, opened, capsys, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    assert cli.main(["lab"]) == 1
    assert "cannot write to my_course (Permission denied): choose another" in the_line(capsys)


def test_a_missing_kernel_is_one_clear_line(lessons, opened, capsys, monkeypatch):
    def find_none(_, name):
        raise NoSuchKernel(name)

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", find_none)
    assert cli.main(["lab"]) == 1
    assert "kernel" in the_line(capsys)
    assert not Path("my_course").exists()
    assert opened == []


def test_a_missing_package_is_one_clear_line(lessons, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    assert cli.main(["lab"]) == 1
    assert the_line(capsys) == (
        f"course: the package jupyterlab.labapp is missing: {doctor.INSTALL}"
    )


def test_missing_lessons_are_one_clear_line(lessons, opened, capsys):
    (lessons / "00_start_here.ipynb").unlink()
    assert cli.main(["lab"]) == 1
    assert "00_start_here.ipynb cannot be read: download the course again" in the_line(capsys)


@pytest.mark.parametrize("form", [["--port={}"], ["--port", "{}"], ["--ServerApp.port={}"]])
def test_a_busy_port_that_was_asked_for_is_one_clear_line(lessons, opened, capsys, form):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(SystemExit, match="2"):
            cli.main(["lab", "--", *(part.format(port) for part in form)])
    assert f"port {port} is busy" in the_line(capsys)
    assert opened == []


def test_a_free_port_is_handed_on(lessons, opened):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert cli.main(["lab", "--", f"--port={port}"]) == 0
    assert opened[0][-1] == f"--port={port}"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["learn"], "learn"),
        (["lab", "--port", "9000"], "JupyterLab's own go after --"),
        (["lab", "one", "two"], "two"),
        (["doctor", "--", "--no-browser"], "after --"),
        (["lab", "--", "--port=many"], "many"),
        (["lab", "--", "--port=99999"], "99999"),
    ],
)
def test_a_wrong_command_is_one_clear_line(lessons, opened, capsys, arguments, says):
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    line = the_line(capsys)
    assert line.startswith("course: ")
    assert says in line
    assert "--help" in line
    assert opened == []


def test_control_c_is_one_clear_line(lessons, capsys, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("jupyterlab.labapp.main", interrupt)
    assert cli.main(["lab"]) == 130
    assert the_line(capsys) == "course: stopped"


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_names_both_commands_and_what_they_do(arguments):
    command = [sys.executable, "-m", "course_utils.cli", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0
    assert "lab       open the lessons" in ran.stdout
    assert "doctor    check" in ran.stdout


@pytest.mark.parametrize(("command", "says"), [("lab", "FOLDER"), ("doctor", "exit code")])
def test_each_command_has_help_of_its_own(capsys, command, says):
    with pytest.raises(SystemExit, match="0"):
        cli.main([command, "--help"])
    assert says in capsys.readouterr().out


@pytest.mark.parametrize(("fault", "code"), [("", 0), ("it is broken: mend it", 1)])
def test_doctor_exits_with_one_if_there_is_a_fault(capsys, monkeypatch, fault, code):
    findings = [Finding("Python", found="3.12.1"), Finding("kernel", fault=fault)]
    monkeypatch.setattr(doctor, "examine", lambda: iter(findings))
    assert cli.main(["doctor"]) == code
    out = capsys.readouterr().out
    assert "ok     Python (3.12.1)\n" in out
    assert ("FAULT  kernel: it is broken: mend it\n" in out) == bool(fault)


def test_the_command_can_be_read_by_an_older_python():
    for module in ("__init__.py", "cli.py"):
        text = resources.files("course_utils").joinpath(module).read_text("utf-8")
        ast.parse(text, feature_version=(3, 8))


@pytest.mark.parametrize("minor", range(9, 16))
def test_a_python_outside_requires_python_is_one_clear_line(minor):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    supported = SpecifierSet(project["requires-python"]).contains(f"3.{minor}.0")
    pretend = (
        f"import runpy, sys; sys.version_info = (3, {minor}, 0); sys.argv[1:] = ['--help'];"
        "runpy.run_module('course_utils.cli', run_name='__main__')"
    )
    ran = subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True)
    assert (ran.returncode == 0) == supported
    if not supported:
        (line,) = ran.stderr.splitlines()
        assert line.startswith(f"course: this is Python 3.{minor}, and the course needs")


def test_a_real_jupyterlab_opens_the_copy_without_news_and_saves_widgets(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    def answer(path):
        url = f"http://127.0.0.1:{port}/{path}?token=open-sesame"
        with urllib.request.urlopen(url, timeout=10) as response:
            return json.load(response)

    settings = "lab/api/settings/@"
    command = [sys.executable, "-m", "course_utils.cli", "lab", "--", "--no-browser"]
    command += ["--allow-root", f"--port={port}", "--IdentityProvider.token=open-sesame"]
    alone = {**os.environ, "HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path)}
    configuration = "c.ServerApp.root_dir = '/'  # the learner's own, for other work"
    (tmp_path / "jupyter_server_config.py").write_text(configuration)
    log = (tmp_path / "log").open("w")
    with log, subprocess.Popen(command, cwd=tmp_path, env=alone, stdout=log, stderr=log) as lab:
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    answer("api")
                    break
                except OSError:
                    assert lab.poll() is None, (tmp_path / "log").read_text()
                    assert time.monotonic() < deadline
                    time.sleep(0.2)
            names = {entry["name"] for entry in answer("api/contents")["content"]}
            news = answer(settings + "jupyterlab/apputils-extension:notification")
            widgets = answer(settings + "jupyter-widgets/jupyterlab-manager:plugin")
        finally:
            lab.terminate()
    assert lab.returncode == 0
    assert "00_start_here.ipynb" in names
    assert "00_start_here.ipynb" in (tmp_path / "log").read_text()
    # A setting that this JupyterLab does not know would have our default and no title.
    known = news["schema"]["properties"] | widgets["schema"]["properties"]
    defaults = {key: known[key]["default"] for key in known if "title" in known[key]}
    assert defaults["fetchNews"] == "false"
    assert defaults["checkForUpdates"] is False
    assert defaults["saveState"] is True
