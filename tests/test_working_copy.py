import json
import os

import pytest

from course_utils.fault import Fault
from course_utils.working_copy import RECORD, differs, find, refresh, restore


def code(text, outputs=(), count=None):
    return {
        "cell_type": "code",
        "metadata": {},
        "source": text,
        "outputs": list(outputs),
        "execution_count": count,
    }


def write(path, *cells, **metadata):
    path.parent.mkdir(parents=True, exist_ok=True)
    book = {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(book), "utf-8")


def cells(path):
    return json.loads(path.read_text("utf-8"))["cells"]


PRINTED = {"output_type": "stream", "name": "stdout", "text": ["2\n"]}


@pytest.fixture
def lessons(tmp_path):
    write(tmp_path / "notebooks" / "01_one.ipynb", code("1 + 1", [PRINTED], 1))
    write(tmp_path / "notebooks" / "02_two.ipynb", code("λ = 2", [PRINTED], 1), kernelspec={})
    (tmp_path / "notebooks" / "solutions").mkdir()
    (tmp_path / "notebooks" / "solutions" / "01_one.py").write_text("answer = 42")
    return tmp_path / "notebooks"


@pytest.fixture
def folder(tmp_path, lessons):
    """A copy that has just been handed out."""
    refresh(lessons, tmp_path / "my_course")
    return tmp_path / "my_course"


def test_the_first_copy_holds_every_lesson_without_outputs_and_no_solution(tmp_path, lessons):
    copy = tmp_path / "deep" / "my_course"
    refreshed = refresh(lessons, copy)
    assert refreshed == (["01_one.ipynb", "02_two.ipynb"], [])
    assert cells(copy / "02_two.ipynb") == [code("λ = 2")]
    assert json.loads((copy / "02_two.ipynb").read_text("utf-8"))["metadata"] == {"kernelspec": {}}
    names = {path.relative_to(copy) for path in copy.rglob("*") if path.is_file()}
    assert {str(name) for name in names} == {"01_one.ipynb", "02_two.ipynb", str(RECORD)}


def test_the_reference_notebooks_stay_as_they_are(lessons, tmp_path):
    before = (lessons / "01_one.ipynb").read_bytes()
    refresh(lessons, tmp_path / "my_course")
    assert (lessons / "01_one.ipynb").read_bytes() == before


def test_a_lesson_that_was_only_run_keeps_its_outputs(lessons, folder):
    # JupyterLab adds an empty cell after the last one, and may store the source as a list.
    ran = [code(["1 ", "+ 1"], [PRINTED], 7), code("")]
    write(folder / "01_one.ipynb", *ran, widgets={})
    assert refresh(lessons, folder) == ([], [])
    assert cells(folder / "01_one.ipynb") == ran


def test_a_lesson_that_was_only_run_follows_a_new_version_of_the_course(lessons, folder):
    write(folder / "01_one.ipynb", code("1 + 1", [PRINTED], 7))
    write(lessons / "01_one.ipynb", code("1 + 2", [PRINTED], 1))
    assert refresh(lessons, folder) == (["01_one.ipynb"], [])
    assert cells(folder / "01_one.ipynb") == [code("1 + 2")]


def test_a_lesson_follows_every_version_and_not_only_the_first(lessons, folder):
    for text in ("1 + 2", "1 + 3"):
        write(lessons / "01_one.ipynb", code(text))
        assert refresh(lessons, folder).written == ["01_one.ipynb"]
    assert cells(folder / "01_one.ipynb") == [code("1 + 3")]


@pytest.mark.parametrize("shipped", ["1 + 1", "1 + 2"])
def test_a_changed_lesson_is_left_and_listed_each_time(lessons, folder, shipped):
    mine = [code("1 + 1"), code("my_own = 3", [PRINTED], 2)]
    write(folder / "01_one.ipynb", *mine)
    write(lessons / "01_one.ipynb", code(shipped))
    for _ in range(2):
        assert refresh(lessons, folder) == ([], ["01_one.ipynb"])
    assert cells(folder / "01_one.ipynb") == mine


def test_a_changed_order_of_cells_or_kind_of_cell_is_a_change(lessons, folder):
    write(folder / "01_one.ipynb", {"cell_type": "markdown", "metadata": {}, "source": "1 + 1"})
    assert refresh(lessons, folder).kept == ["01_one.ipynb"]


def test_a_lesson_changed_back_follows_the_course_again(lessons, folder):
    write(folder / "01_one.ipynb", code("mine"))
    write(lessons / "01_one.ipynb", code("1 + 2"))
    refresh(lessons, folder)
    write(folder / "01_one.ipynb", code("1 + 1"))
    assert refresh(lessons, folder) == (["01_one.ipynb"], [])


def test_a_deleted_lesson_comes_back_and_a_new_one_is_added(lessons, folder):
    (folder / "02_two.ipynb").unlink()
    write(lessons / "03_three.ipynb", code("3"))
    assert refresh(lessons, folder) == (["02_two.ipynb", "03_three.ipynb"], [])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": [{}]}'])
def test_a_file_that_is_no_notebook_is_left_and_listed(lessons, folder, text):
    (folder / "01_one.ipynb").write_text(text, "utf-8")
    assert refresh(lessons, folder) == ([], ["01_one.ipynb"])
    assert (folder / "01_one.ipynb").read_text() == text


@pytest.mark.parametrize("record", [None, "", "{", "[]"])
def test_without_a_readable_record_a_lesson_of_another_version_is_left(lessons, folder, record):
    (folder / RECORD).unlink()
    if record is not None:
        (folder / RECORD).write_text(record)
    write(lessons / "01_one.ipynb", code("1 + 2"))
    assert refresh(lessons, folder) == ([], ["01_one.ipynb"])


def test_a_full_disk_leaves_the_old_lesson_whole_and_nothing_beside_it(
    lessons, folder, monkeypatch
):
    def full(*_):
        raise OSError(28, "No space left on device")

    write(lessons / "01_one.ipynb", code("1 + 2"))
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        refresh(lessons, folder)
    assert cells(folder / "01_one.ipynb") == [code("1 + 1")]
    assert sorted(path.name for path in folder.iterdir()) == [
        ".course",
        "01_one.ipynb",
        "02_two.ipynb",
    ]


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".course")


@pytest.mark.parametrize("lesson", ["02", "2", "02_two", "02-two", "02_two.ipynb"])
def test_a_lesson_is_found_by_its_number_and_by_its_name(lessons, lesson):
    assert find(lesson, lessons) == "02_two.ipynb"


@pytest.mark.parametrize("lesson", ["0", "00", "00_start"])
def test_the_first_lesson_has_a_number_too(lessons, lesson):
    write(lessons / "00_start.ipynb")
    assert find(lesson, lessons) == "00_start.ipynb"


def test_a_notebook_without_a_number_is_found_by_its_name(lessons):
    write(lessons / "self_assessment.ipynb")
    for lesson in ("self_assessment", "self-assessment"):
        assert find(lesson, lessons) == "self_assessment.ipynb"


@pytest.mark.parametrize("lesson", ["", "3", "two", "../notebooks/02_two", "solutions"])
def test_a_lesson_that_is_not_there_is_told_with_those_that_are(lessons, lesson):
    with pytest.raises(Fault) as told:
        find(lesson, lessons)
    assert str(told.value) == f"no lesson {lesson!r}; there are 01_one, 02_two"


def test_a_lesson_differs_when_its_cells_do_or_it_is_missing(lessons, folder):
    write(folder / "01_one.ipynb", code("1 + 1", [PRINTED], 7))
    assert not differs("01_one.ipynb", lessons, folder)
    write(folder / "01_one.ipynb", code("mine"))
    assert differs("01_one.ipynb", lessons, folder)
    (folder / "01_one.ipynb").unlink()
    assert differs("01_one.ipynb", lessons, folder)


def test_a_restored_lesson_is_the_courses_without_outputs_and_the_learners_is_kept(lessons, folder):
    write(folder / "01_one.ipynb", code("mine", [PRINTED], 7))
    mine = (folder / "01_one.ipynb").read_bytes()
    assert restore("01_one.ipynb", lessons, folder) == "01_one_yours_1.ipynb"
    assert cells(folder / "01_one.ipynb") == [code("1 + 1")]
    assert (folder / "01_one_yours_1.ipynb").read_bytes() == mine
    assert not differs("01_one.ipynb", lessons, folder)


def test_only_that_lesson_is_restored(lessons, folder):
    for name in ("01_one.ipynb", "02_two.ipynb"):
        write(folder / name, code("mine"))
    write(lessons / "03_three.ipynb", code("3"))
    restore("01_one.ipynb", lessons, folder)
    assert cells(folder / "02_two.ipynb") == [code("mine")]
    assert names(folder) == ["01_one.ipynb", "01_one_yours_1.ipynb", "02_two.ipynb"]


def test_each_version_of_the_learner_is_kept_under_a_name_of_its_own(lessons, folder):
    for text in ("first", "second"):
        write(folder / "01_one.ipynb", code(text))
        restore("01_one.ipynb", lessons, folder)
    assert cells(folder / "01_one_yours_1.ipynb") == [code("first")]
    assert cells(folder / "01_one_yours_2.ipynb") == [code("second")]


def test_a_restored_lesson_follows_the_course_again_and_the_kept_one_stays(lessons, folder):
    write(folder / "01_one.ipynb", code("mine"))
    write(lessons / "01_one.ipynb", code("1 + 2"))
    restore("01_one.ipynb", lessons, folder)
    write(lessons / "01_one.ipynb", code("1 + 3"))
    assert refresh(lessons, folder) == (["01_one.ipynb"], [])
    assert cells(folder / "01_one_yours_1.ipynb") == [code("mine")]


def test_the_other_lessons_follow_the_course_as_before(lessons, folder):
    restore("01_one.ipynb", lessons, folder)
    write(lessons / "02_two.ipynb", code("λ = 3"))
    assert refresh(lessons, folder) == (["02_two.ipynb"], [])


def test_a_deleted_lesson_is_restored_and_nothing_is_kept(lessons, folder):
    (folder / "01_one.ipynb").unlink()
    assert restore("01_one.ipynb", lessons, folder) is None
    assert names(folder) == ["01_one.ipynb", "02_two.ipynb"]


def test_a_file_that_is_no_notebook_is_kept_byte_for_byte(lessons, folder):
    (folder / "01_one.ipynb").write_bytes(b"\xff half\r\n")
    assert differs("01_one.ipynb", lessons, folder)
    restore("01_one.ipynb", lessons, folder)
    assert (folder / "01_one_yours_1.ipynb").read_bytes() == b"\xff half\r\n"


def test_a_disk_that_fills_up_while_restoring_loses_nothing(lessons, folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    write(folder / "01_one.ipynb", code("mine"))
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        restore("01_one.ipynb", lessons, folder)
    assert cells(folder / "01_one.ipynb") == [code("mine")]
    assert not list(folder.glob("*.partial"))


def test_a_folder_in_the_place_of_a_lesson_is_left_and_listed(lessons, folder):
    (folder / "01_one.ipynb").unlink()
    (folder / "01_one.ipynb").mkdir()
    assert refresh(lessons, folder) == ([], ["01_one.ipynb"])
    with pytest.raises(OSError):  # noqa: PT011  a folder has another error on each system
        restore("01_one.ipynb", lessons, folder)
    assert names(folder) == ["01_one.ipynb", "02_two.ipynb"]
