import ast
import io
import json
import os
import re
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
from course_utils.quiz import bank, statistics, terminal
from course_utils.quiz.store import open_store

ROOT = Path(__file__).parents[1]


@pytest.fixture
def lessons(tmp_path, monkeypatch):
    """Two small lessons in the place of the course's own."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    for name in ("00_start_here", "01_one"):
        (folder / f"{name}.ipynb").write_text('{"cells": [], "metadata": {}}', "utf-8")
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
    ((first, root, save, connection, *handed_on),) = opened
    assert Path(first).parent.name == Path(root).name == "other"
    assert save.endswith("keep_readings")
    assert connection.endswith("PromptConnection")
    assert handed_on == ["--no-browser", "--", "x"]


def test_lab_opens_with_the_servers_own_connection_where_ours_does_not_fit(
    lessons, opened, monkeypatch
):
    monkeypatch.setitem(sys.modules, "course_utils.prompt_connection", None)
    assert cli.main(["lab"]) == 0
    assert len(opened[0]) == 3


def test_lab_lists_what_the_learner_changed_and_says_how_to_get_the_courses(
    lessons, opened, capsys
):
    cli.main(["lab"])
    Path("my_course", "01_one.ipynb").write_text("mine", "utf-8")
    capsys.readouterr()
    assert cli.main(["lab"]) == 0
    out = capsys.readouterr().out
    assert "kept as you changed it: 01_one.ipynb" in out
    assert out.endswith("To get the course's version of one back: course restore 01_one\n")
    assert "00_start_here" not in out
    assert len(opened) == 2


def test_lab_names_the_folder_in_the_way_back_where_it_is_not_the_usual_one(
    lessons, opened, capsys
):
    cli.main(["lab", "my work"])
    Path("my work", "01_one.ipynb").write_text("mine", "utf-8")
    cli.main(["lab", "my work"])
    assert capsys.readouterr().out.endswith('back: course restore 01_one "my work"\n')


@pytest.mark.parametrize(
    ("folder", "says"),
    [
        ("file", "file is a file: choose another"),
        ("file/mine", "cannot write to file/mine (…): choose another"),
        ("shipped", "shipped holds the course's own lessons: choose another"),
        ("shipped/mine", "shipped/mine holds the course's own lessons: choose another"),
    ],
)
def test_a_folder_that_cannot_be_used_is_one_clear_line(lessons, opened, capsys, folder, says):
    Path("file").touch()
    assert cli.main(["lab", folder]) == 1
    # Each system has words of its own for the reason.
    line = re.sub(r"\(.+?\)", "(…)", the_line(capsys))
    assert line.startswith(f"course: {says.replace(folder, str(Path(folder)))}")
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


@pytest.fixture
def types(monkeypatch):
    """Let lines come from a pipe, which then ends."""

    def lines(*answers):
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in answers)))

    return lines


@pytest.fixture
def changed(lessons, opened, capsys):
    """A lesson of the learner's copy that they have changed."""
    cli.main(["lab"])
    lesson = Path("my_course", "01_one.ipynb")
    lesson.write_text("mine", "utf-8")
    capsys.readouterr()
    return lesson


@pytest.mark.parametrize(
    ("typed", "agreed"),
    [
        (["y"], True),
        ([" YES "], True),
        (["n"], False),
        (["maybe"], False),
        ([""], False),
        ([], False),
    ],
)
def test_a_lesson_is_restored_only_after_a_yes(changed, types, capsys, typed, agreed):
    types(*typed)
    assert cli.main(["restore", "01"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Your 01_one.ipynb is not as the course made it. It will be kept")
    assert (changed.read_text("utf-8") != "mine") == agreed
    assert ("Nothing is changed.\n" in out) != agreed
    assert (f"{changed} is as the course made it.\n" in out) == agreed
    kept = changed.with_name("01_one_yours_1.ipynb")
    assert (f"Your version is kept as {kept}\n" in out) == agreed
    assert kept.exists() == agreed


def test_with_yes_a_lesson_is_restored_without_a_question(changed, types, capsys):
    types()
    assert cli.main(["restore", "01", "--yes"]) == 0
    assert changed.read_text("utf-8") != "mine"
    assert "[y/N]" not in capsys.readouterr().out


def test_a_lesson_of_another_folder_is_restored_there(changed, capsys):
    cli.main(["lab", "other"])
    there = Path("other", "01_one.ipynb")
    there.write_text("mine", "utf-8")
    assert cli.main(["restore", "01", "other", "--yes"]) == 0
    assert there.read_text("utf-8") != "mine"
    assert changed.read_text("utf-8") == "mine"


def test_a_deleted_lesson_comes_back_without_a_question(changed, types, capsys):
    changed.unlink()
    types()
    assert cli.main(["restore", "01"]) == 0
    assert capsys.readouterr().out == f"{changed} is as the course made it.\n"
    assert changed.is_file()


def test_a_lesson_that_was_not_changed_stays_as_it_is(changed, types, capsys):
    before = changed.with_name("00_start_here.ipynb").stat().st_mtime_ns
    types("y")
    assert cli.main(["restore", "00"]) == 0
    assert "00_start_here.ipynb has the course's cells: there is nothing" in capsys.readouterr().out
    assert changed.with_name("00_start_here.ipynb").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["42"], "no lesson '42'; there are 00_start_here, 01_one"),
        (["01", "elsewhere"], "elsewhere holds no copy of the lessons: make one with `course lab`"),
        (["01", "shipped"], "shipped holds the course's own lessons: choose another folder"),
    ],
)
def test_what_cannot_be_restored_is_one_clear_line(changed, capsys, arguments, says):
    assert cli.main(["restore", *arguments, "--yes"]) == 1
    line = the_line(capsys)
    assert line.startswith("course: ")
    assert says in line
    assert not Path("elsewhere").exists()
    assert changed.read_text("utf-8") == "mine"


def test_a_lesson_that_cannot_be_written_is_one_clear_line(changed, capsys, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    assert cli.main(["restore", "01", "--yes"]) == 1
    assert the_line(capsys) == (
        "course: cannot restore 01_one.ipynb (Permission denied): make room, and make my_course "
        "writable"
    )
    assert changed.read_text("utf-8") == "mine"


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
        (["restore"], "LESSON"),
        (["restore", "02", "--", "--yes"], "after --"),
        (["doctor", "--", "--no-browser"], "after --"),
        (["lab", "--", "--port=many"], "many"),
        (["lab", "--", "--port=99999"], "99999"),
        (["quiz", "03", "04"], "unknown arguments 04 (see"),
        (["quiz", "03", "--count", "0"], "argument --count: '0' is not a number from 1 up"),
        (["quiz", "03", "--count", "many"], "'many' is not a number from 1 up"),
        (["quiz", "03", "--seed", "x"], "argument --seed: 'x' is not a whole number"),
        (["quiz", "check", "--count", "3"], "`course quiz check` takes no options"),
        (["quiz", "--exam", "check"], "`course quiz check` takes no options"),
        (["quiz", "check", "--seed", "0"], "`course quiz check` takes no options"),
        (["progress", "burn"], "invalid choice: 'burn'"),
        (["progress", "export"], "FILE"),
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


def test_a_reader_that_has_seen_enough_ends_the_command_in_silence(tmp_path):
    ours, its = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "course_utils.cli", "progress"]
    alone = {**os.environ, "COURSE_HOME": str(tmp_path)}
    ran = subprocess.run(command, stdout=its, stderr=subprocess.PIPE, env=alone)
    os.close(its)
    assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_names_the_commands_and_what_they_do(arguments):
    command = [sys.executable, "-m", "course_utils.cli", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0
    for line in (
        "lab       open the lessons",
        "restore   bring one lesson",
        "quiz      answer questions",
        "review    answer again",
        "progress  see, export",
        "doctor    check",
    ):
        assert line in ran.stdout


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("lab", "FOLDER"),
        ("restore", "LESSON [FOLDER] [--yes]"),
        ("quiz", "--objective ID"),
        ("review", "about to forget"),
        ("progress", "delete | export FILE | import FILE"),
        ("doctor", "exit code"),
    ],
)
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


def test_a_path_that_the_terminal_cannot_show_is_named_and_ends_nothing(tmp_path):
    command = [sys.executable, "-m", "course_utils.cli", "restore", "02", "πλάγια"]
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    (tmp_path / "πλάγια" / ".course").mkdir(parents=True)
    (tmp_path / "πλάγια" / ".course" / "handed_out.json").write_text("{}", "utf-8")
    ran = subprocess.run(command, capture_output=True, cwd=tmp_path, env=ascii_only)
    assert ran.returncode == 0, ran.stderr
    assert b"GREEK SMALL LETTER PI" in ran.stdout


def answer_a_question():
    open_store().record(
        kind="question", item="gd-step", content_hash="0", response=[0], score=1.0, seed=1
    )


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ([], (None, None, None, None, False, None)),
        (["03"], ("03", None, None, None, False, None)),
        (
            ["02", "--count=3", "--objective=gd.noise", "--level=apply", "--exam", "--seed=5"],
            ("02", 3, "gd.noise", "apply", True, 5),
        ),
    ],
)
def test_quiz_asks_what_was_chosen(monkeypatch, arguments, asked):
    calls = []
    monkeypatch.setattr(terminal, "quiz", lambda *chosen: calls.append(chosen))
    assert cli.main(["quiz", *arguments]) == 0
    assert calls == [asked]


def test_quiz_asks_the_questions_of_a_lesson_and_progress_tells_of_them(types, capsys):
    types("1", "1")
    assert cli.main(["quiz", "03", "--count", "2"]) == 0
    assert "Right: " in capsys.readouterr().out
    assert len(open_store().attempts()) == 2
    assert cli.main(["progress"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Progress\n")
    assert max(map(len, out.splitlines())) <= 80


def test_a_lesson_without_questions_is_one_clear_line(capsys):
    assert cli.main(["quiz", "42"]) == 1
    assert the_line(capsys).startswith("course: no lesson '42'; there are questions on 01_loss")


def test_review_says_when_nothing_is_due(capsys):
    assert cli.main(["review"]) == 0
    assert capsys.readouterr().out.startswith("Nothing is due.")


@pytest.mark.parametrize("fault", ["", "01_one: 3 questions, fewer than 26"])
def test_quiz_check_prints_the_numbers_and_exits_with_one_if_there_is_a_fault(
    capsys, monkeypatch, fault
):
    monkeypatch.setattr(statistics, "faults", lambda banks: [fault] if fault else [])
    assert cli.main(["quiz", "check"]) == int(bool(fault))
    out = capsys.readouterr().out
    assert re.search(r"^All banks: \d+ questions$", out, re.MULTILINE)
    assert (f"FAULT  {fault}\nFaults found: 1.\n" in out) == bool(fault)
    assert ("The banks are as they should be.\n" in out) != bool(fault)


@pytest.mark.parametrize("arguments", [["quiz", "check"], ["quiz", "03"]])
def test_a_bank_that_cannot_be_read_is_named(capsys, monkeypatch, arguments):
    def refuse():
        raise bank.BankError("01_one.toml, question gd-one: no stem")

    monkeypatch.setattr(bank, "load_banks", refuse)
    monkeypatch.setattr(bank, "read_banks", refuse)
    assert cli.main(arguments) == 1
    assert the_line(capsys) == "course: 01_one.toml, question gd-one: no stem"


@pytest.mark.parametrize("name", ["mine.json", "mine.csv"])
def test_the_record_is_exported_and_comes_back_on_another_machine(
    tmp_path, capsys, monkeypatch, name
):
    file = str(tmp_path / name)
    answer_a_question()
    assert cli.main(["progress", "export", file]) == 0
    assert capsys.readouterr().out == f"Answers written to {file}: 1.\n"
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "another"))
    for said in ("Answers added: 1. Already in", "Answers added: 0. Already in your record: 1."):
        assert cli.main(["progress", "import", file]) == 0
        assert capsys.readouterr().out.startswith(said)
    assert len(open_store().attempts()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["import", "missing.json"], "missing.json"), (["export", "mine.txt"], ".json or .csv")],
)
def test_a_file_that_cannot_hold_a_record_is_one_clear_line(capsys, arguments, says):
    assert cli.main(["progress", *arguments]) == 1
    line = the_line(capsys)
    assert line.startswith("course: ")
    assert says in line


@pytest.mark.parametrize(
    ("typed", "left"), [(["yes"], 0), ([" YES "], 0), (["y"], 1), (["no"], 1), ([""], 1), ([], 1)]
)
def test_progress_is_deleted_only_after_a_yes(types, capsys, typed, left):
    answer_a_question()
    types(*typed)
    assert cli.main(["progress", "delete"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Answers in your record: 1.\n")
    assert out.endswith("Nothing is deleted.\n" if left else "Answers deleted: 1.\n")
    assert len(open_store().attempts()) == left


def test_a_terminal_without_greek_letters_reads_their_names(tmp_path):
    command = [sys.executable, "-m", "course_utils.cli", "quiz", "02", "--count=40", "--seed=1"]
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii", "COURSE_HOME": str(tmp_path)}
    ran = subprocess.run(
        command, input=b"\xff\n" + b"1\n" * 40, capture_output=True, env=ascii_only
    )
    assert ran.returncode == 0, ran.stderr
    assert b"GREEK SMALL LETTER" in ran.stdout


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


def test_a_real_jupyterlab_opens_the_copy_without_news(tmp_path):
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
    (tmp_path / "jupyter_server_config.py").write_text(configuration, "utf-8")
    log = (tmp_path / "log").open("w", encoding="utf-8")
    with log, subprocess.Popen(command, cwd=tmp_path, env=alone, stdout=log, stderr=log) as lab:
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    answer("api")
                    break
                except OSError:
                    assert lab.poll() is None, (tmp_path / "log").read_text("utf-8", "replace")
                    assert time.monotonic() < deadline
                    time.sleep(0.2)
            names = {entry["name"] for entry in answer("api/contents")["content"]}
            news = answer(settings + "jupyterlab/apputils-extension:notification")
        finally:
            lab.terminate()
    # Windows has no way to ask a process to end, so it is ended with 1.
    assert lab.returncode == (1 if sys.platform == "win32" else 0)
    assert "00_start_here.ipynb" in names
    assert "00_start_here.ipynb" in (tmp_path / "log").read_text("utf-8", "replace")
    # A setting that this JupyterLab does not know would have our default and no title.
    known = news["schema"]["properties"]
    defaults = {key: known[key]["default"] for key in known if "title" in known[key]}
    assert defaults["fetchNews"] == "false"
    assert defaults["checkForUpdates"] is False
