import pathlib
import re
import sys
from types import SimpleNamespace

import pytest
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

from course_utils import doctor, places
from course_utils.doctor import check_setup, examine
from course_utils.fault import Fault
from course_utils.quiz.store import open_store

HEALTHY = """\
ok     Python
ok     packages
ok     lessons
ok     kernel, which runs your cells
ok     sliders and questions
ok     place where your answers are kept
ok     TensorFlow
Your set-up is ready.
"""


def test_a_healthy_set_up_prints_the_same_text_on_every_machine(capsys):
    assert check_setup() is None
    assert capsys.readouterr().out == HEALTHY


def test_every_check_says_what_it_found(monkeypatch):
    monkeypatch.delitem(doctor.CHECKS, "TensorFlow")  # slow, and in the text above
    findings = list(examine())
    assert {finding.fault for finding in findings} == {""}
    assert all(finding.found for finding in findings)


def test_a_fault_has_its_own_line_and_the_last_line_counts(capsys, monkeypatch):
    def broken():
        raise Fault("it is broken: mend it")

    monkeypatch.setattr(doctor, "CHECKS", {"kernel": broken, "widgets": lambda: "8.1"})
    check_setup()
    assert capsys.readouterr().out == (
        "FAULT  kernel: it is broken: mend it\n"
        "ok     widgets\n"
        "1 of 2 checks found a fault. Mend it, then check again.\n"
    )


def test_a_check_that_fails_in_an_unforeseen_way_is_a_fault_with_a_remedy(monkeypatch):
    monkeypatch.setattr(doctor, "CHECKS", {"widgets": lambda: __import__("no_such_package")})
    (finding,) = examine()
    assert "No module named 'no_such_package'" in finding.fault
    assert finding.fault.endswith(doctor.INSTALL)


@pytest.mark.parametrize("version", ["3.10.13", "3.14.0", "4.0.0"])
def test_a_python_that_the_course_does_not_support_is_a_fault(monkeypatch, version):
    monkeypatch.setattr(doctor.platform, "python_version", lambda: version)
    with pytest.raises(Fault, match=rf"this is {version}, .* needs .*3\.11.*: make a virtual"):
        doctor.check_python()


def test_packages_that_are_missing_or_too_old_are_named_and_others_are_not(monkeypatch):
    needed = ["numpy>=99", "no-such-package", "matplotlib", "pytest>=99; extra == 'test'"]
    monkeypatch.setattr(doctor, "requires", lambda _: needed)
    with pytest.raises(Fault) as fault:
        doctor.check_packages()
    message = str(fault.value)
    assert "no-such-package is missing" in message
    assert f"numpy is {doctor.version('numpy')}, the course needs >=99" in message
    assert message.endswith(doctor.INSTALL)
    assert "matplotlib" not in message
    assert "pytest" not in message


def test_a_kernel_of_another_python_is_a_fault(monkeypatch):
    other = SimpleNamespace(argv=["/opt/other/bin/python", "-m", "ipykernel_launcher"])
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda *_: other)
    with pytest.raises(Fault, match=r"/opt/other/bin/python.*kernelspec remove"):
        doctor.check_kernel()


@pytest.mark.parametrize("program", ["python", "python3", sys.executable])
def test_a_kernel_of_this_python_is_fine_however_it_is_written(monkeypatch, program):
    this = SimpleNamespace(argv=[program, "-m", "ipykernel_launcher"])
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda *_: this)
    assert doctor.check_kernel() == sys.executable


def test_a_missing_kernel_is_a_fault(monkeypatch):
    def find_none(_, name):
        raise NoSuchKernel(name)

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", find_none)
    with pytest.raises(Fault, match=r"no kernel .* pip install"):
        doctor.check_kernel()


def test_a_jupyterlab_that_cannot_show_widgets_is_a_fault(monkeypatch, tmp_path):
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *_: [str(tmp_path)])
    with pytest.raises(Fault, match="no extension @jupyter-widgets/jupyterlab-manager: run"):
        doctor.check_widgets()


def test_a_record_that_is_damaged_is_a_fault_told_once(course_home, capsys):
    course_home.mkdir()
    (course_home / "attempts.sqlite3").write_text("no database, whatever its name says")
    with pytest.raises(Fault, match="is damaged"):
        doctor.check_answers()
    assert capsys.readouterr().out == ""


def refuse(*_, **__):
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize(
    ("place", "name"), [(doctor.tempfile, "TemporaryFile"), (pathlib.Path, "open")]
)
def test_a_record_that_has_become_unwritable_is_a_fault(monkeypatch, course_home, place, name):
    open_store()
    monkeypatch.setattr(place, name, refuse)
    where = re.escape(str(course_home))
    with pytest.raises(Fault, match=rf"cannot write to {where}.*\(Permission denied\)"):
        doctor.check_answers()


def test_a_tensorflow_that_does_not_start_is_a_fault_with_its_reason(monkeypatch, tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise ImportError('DLL load failed')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(Fault, match=r"does not start \(ImportError: DLL load failed\): "):
        doctor.check_tensorflow()


def test_a_tensorflow_that_ends_without_a_word_is_a_fault_with_its_exit_code(monkeypatch, tmp_path):
    (tmp_path / "tensorflow.py").write_text("import os; os._exit(132)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(Fault, match=r"does not start \(exit code 132\)"):
        doctor.check_tensorflow()


@pytest.mark.parametrize("text", [None, "", "half a file {"])
def test_lessons_that_cannot_be_read_are_a_fault(monkeypatch, tmp_path, text):
    monkeypatch.setattr(places, "shipped", lambda _: tmp_path)
    if text is not None:
        (tmp_path / "00_start_here.ipynb").write_text(text)
    with pytest.raises(Fault, match="cannot be read: download the course again"):
        doctor.check_lessons()
