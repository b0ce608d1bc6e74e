import csv
import json
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_utils.quiz.attempts import Attempt
from course_utils.quiz.store import RecordFault, Store, open_store
from course_utils.quiz.transfer import (
    VERSION,
    Imported,
    delete_record,
    export_record,
    import_record,
)

ENDINGS = pytest.mark.parametrize("name", ["record.json", "record.csv"])
ANSWER = {"kind": "question", "item": "gd-step", "content_hash": "abc", "response": [1], "score": 1}


def answer_in_many_ways() -> list[Attempt]:
    """Fill the record with all that it can hold, and return its attempts."""
    store = open_store()
    store.record(**ANSWER, attempt_id="plain")
    store.record(**ANSWER | {"response": -0.25, "score": 1 / 3}, mistake="wrong_sign", seed=7)
    store.record(**ANSWER | {"kind": "prediction", "response": [0, 2]}, seed=0)
    store.record(**ANSWER | {"kind": "run", "item": "tuning game, digits", "score": -1e-300})
    store.record(**ANSWER | {"response": {"said": 'quotes ", commas,\nlines and η', "none": None}})
    return store.attempts()


@pytest.fixture
def another_machine(monkeypatch, tmp_path):
    """A call that moves to a machine whose record is empty."""

    def move():
        monkeypatch.setenv("COURSE_HOME", str(tmp_path / "another_machine"))

    return move


@ENDINGS
def test_a_record_exported_and_imported_elsewhere_is_the_same(tmp_path, another_machine, name):
    attempts = answer_in_many_ways()

    assert export_record(tmp_path / name) == len(attempts)
    another_machine()
    assert import_record(str(tmp_path / name)) == Imported(added=5, already_there=0)
    assert open_store().attempts() == attempts


@ENDINGS
def test_an_import_never_doubles_or_changes_an_attempt(tmp_path, another_machine, name):
    attempts = answer_in_many_ways()
    export_record(tmp_path / name)
    assert import_record(tmp_path / name) == (0, 5)

    another_machine()
    open_store().record(**ANSWER | {"score": 0.5}, attempt_id="plain")
    (mine,) = open_store().attempts()
    assert import_record(tmp_path / name) == (4, 1)
    assert import_record(tmp_path / name) == (0, 5)
    assert open_store().attempts() == [*attempts[1:], mine]


@ENDINGS
def test_an_empty_record_can_be_exported_and_imported(tmp_path, name):
    assert export_record(tmp_path / name) == 0
    assert import_record(tmp_path / name) == (0, 0)


def test_a_json_export_holds_every_column_and_the_version_of_the_format(tmp_path):
    (*_, attempt) = answer_in_many_ways()
    export_record(tmp_path / "record.json")
    content = json.loads((tmp_path / "record.json").read_text(encoding="utf-8"))

    assert content["version"] == VERSION
    assert content["attempts"][-1] == attempt._asdict()


FORMULAS = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "'=1", "''@", "'", "'text", "a=1"]


def test_no_cell_of_a_csv_export_is_a_formula(tmp_path, another_machine):
    for item in FORMULAS:
        open_store().record(**ANSWER | {"item": item, "response": -3, "score": -3}, mistake=item)
    attempts = open_store().attempts()
    export_record(tmp_path / "record.csv")
    with (tmp_path / "record.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)

    assert header == list(Attempt._fields)
    assert not [cell for row in rows for cell in row if cell.startswith(tuple("=+-@\t\r"))]
    another_machine()
    import_record(tmp_path / "record.csv")
    assert open_store().attempts() == attempts


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(FORMULAS)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3),
    max_leaves=5,
)
ATTEMPTS = st.builds(
    Attempt,
    id=TEXTS.filter(len),
    learner=TEXTS,
    kind=TEXTS,
    item=TEXTS,
    content_hash=TEXTS,
    seed=st.none() | st.integers(-(2**63), 2**63 - 1),
    response=VALUES,
    score=st.floats(allow_nan=False, allow_infinity=False),
    mistake=st.none() | TEXTS.filter(len),
    course_version=TEXTS,
    time=st.just("2025-03-01T10:00:00.000+00:00"),
)


@ENDINGS
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(attempts=st.lists(ATTEMPTS, max_size=4, unique_by=lambda attempt: attempt.id))
def test_whatever_was_recorded_comes_through(tmp_path, name, attempts):
    store = open_store()
    store.add(attempts)
    export_record(tmp_path / name)
    store.delete()

    assert import_record(tmp_path / name) == (len(attempts), 0)
    assert store.attempts() == attempts
    store.delete()


@ENDINGS
def test_answers_kept_for_this_sitting_can_be_exported(
    tmp_path, course_home, another_machine, name
):
    course_home.write_text("a file where the folder should be")
    open_store().record(**ANSWER, attempt_id="kept")

    assert export_record(tmp_path / name) == 1
    another_machine()
    assert import_record(tmp_path / name) == (1, 0)
    assert [attempt.id for attempt in open_store().attempts()] == ["kept"]


def change(**columns):
    """Return a change of the last of the attempts in a JSON file; None takes a column away."""

    def changed(content):
        last = content["attempts"][-1] | columns
        last = {name: value for name, value in last.items() if value is not ...}
        return content | {"attempts": [*content["attempts"][:-1], last]}

    return changed


BROKEN_JSON = {
    "not the course's": (lambda content: {"cells": []}, 'no "format"'),
    "a list": (lambda content: [], 'no "format"'),
    "newer": (lambda content: content | {"version": 2}, "update the course"),
    "without attempts": (lambda content: content | {"attempts": None}, 'no list "attempts"'),
    "an attempt that is none": (lambda content: content | {"attempts": [1]}, "attempt 1: it needs"),
    "a column missing": (change(seed=...), "attempt 5: it needs"),
    "a column more": (change(grade=1), "attempt 5: it needs"),
    "no id": (change(id=""), "id must not be empty"),
    "an id that is no text": (change(id=7), "id must be a text, got 7"),
    "half a character": (change(item="\ud800"), "attempt 5: "),
    "a mistake that is no text": (change(mistake=7), "mistake must be a text"),
    "a seed that is no number": (change(seed="7"), "seed must be a whole number"),
    "a seed too large": (change(seed=2**63), "seed must be a whole number"),
    "a truth for a seed": (change(seed=True), "seed must be a whole number"),
    "no score": (change(score=None), "score must be a finite number"),
    "an infinite score": (change(score=float("inf")), "score must be a finite number"),
    "no time": (change(time="yesterday"), "attempt 5: .*yesterday"),
    "a time of nowhere": (change(time="2025-03-01T10:00:00"), "time must have a time zone"),
    "a time out of range": (change(time="0001-01-01T00:00:00+12:00"), "out of range"),
}


def refused(path, reason) -> None:
    """Import a file in vain: the line names it and the reason, and nothing is written."""
    open_store().delete()
    with pytest.raises(RecordFault, match=reason) as fault:
        import_record(path)
    assert str(path) in str(fault.value)
    assert "\n" not in str(fault.value)
    assert open_store().attempts() == []


@pytest.mark.parametrize(("change", "reason"), BROKEN_JSON.values(), ids=list(BROKEN_JSON))
def test_a_json_file_with_something_wrong_adds_nothing(tmp_path, change, reason):
    answer_in_many_ways()
    path = tmp_path / "record.json"
    export_record(path)
    path.write_text(json.dumps(change(json.loads(path.read_text()))))

    refused(path, reason)


@ENDINGS
@pytest.mark.parametrize(
    ("content", "in_json"),
    [
        (b"", "its JSON cannot be read"),
        (b"\x00\x01\xff\xfe", "it is not a text"),
        (b"no record at all", "its JSON cannot be read"),
        (b"[" * 100_000, "its JSON cannot be read"),
        (b"id;learner;kind\n", "its JSON cannot be read"),
    ],
    ids=["empty", "bytes", "text", "brackets", "another table"],
)
def test_a_foreign_file_adds_nothing(tmp_path, name, content, in_json):
    (tmp_path / name).write_bytes(content)
    reason = in_json if name.endswith("json") else ""

    refused(
        tmp_path / name,
        rf"is not a complete record of this course \({reason}.*Choose a file that "
        r"`course progress export` or export_record has written\.",
    )


@ENDINGS
def test_a_file_cut_off_anywhere_in_its_last_attempt_adds_nothing(tmp_path, name):
    answer_in_many_ways()
    export_record(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    last = whole.rstrip(b"\r\n]}").rindex(b"\n") + 2
    end = whole.rindex(b"+00:00")
    for place in range(last, end, 7):
        (tmp_path / name).write_bytes(whole[:place])
        refused(tmp_path / name, "is not a complete record")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (("abc,7,", "abc,seven,"), "seven"),
        ((",[1],", ",[1,"), "is not a complete record"),
        ((",plain,", ","), "cells where 11 belong"),
        (("id,", "number,"), "its first line is not id,learner"),
    ],
)
def test_a_csv_file_with_something_wrong_adds_nothing(tmp_path, wrong, reason):
    store = open_store()
    store.record(**ANSWER | {"item": "plain"}, seed=7)
    path = tmp_path / "record.csv"
    export_record(path)
    text = path.read_text(encoding="utf-8")
    assert wrong[0] in text
    path.write_text(text.replace(*wrong, 1), encoding="utf-8")

    refused(path, reason)


def test_a_csv_file_saved_again_by_a_spreadsheet_is_read(tmp_path, another_machine):
    attempts = answer_in_many_ways()
    path = tmp_path / "record.csv"
    export_record(path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)

    another_machine()
    assert import_record(path) == (5, 0)
    assert open_store().attempts() == attempts


def test_times_are_kept_as_this_course_writes_them(tmp_path):
    answer_in_many_ways()
    path = tmp_path / "record.json"
    export_record(path)
    content = change(time="2020-03-01T10:00:00+02:00")(json.loads(path.read_text()))
    path.write_text(json.dumps(content))
    open_store().delete()
    import_record(path)

    assert open_store().attempts()[0].time == "2020-03-01T08:00:00.000+00:00"


@pytest.mark.parametrize("name", ["record.xlsx", "record"])
@pytest.mark.parametrize("transfer", [export_record, import_record])
def test_another_kind_of_file_is_refused(tmp_path, transfer, name):
    with pytest.raises(RecordFault, match=rf"{name} must end in \.json or \.csv"):
        transfer(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@ENDINGS
def test_a_file_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises(RecordFault, match=rf"{name} cannot be read \([^\[/]*\)\. Choose"):
        import_record(tmp_path / name)
    with pytest.raises(RecordFault, match=rf"{name} cannot be written \([^\[/]*\)\. Make"):
        export_record(tmp_path / "no_folder" / name)


@ENDINGS
def test_an_export_that_finds_no_room_leaves_the_earlier_one(tmp_path, name):
    pytest.importorskip("resource", reason="this system cannot limit the size of a file")
    answer_in_many_ways()
    folder = tmp_path / "exports"
    folder.mkdir()
    path = folder / name
    export_record(path)
    before = path.read_bytes()
    script = (
        "import resource\n"
        "from course_utils.quiz.store import RecordFault, open_store\n"
        "from course_utils.quiz.transfer import export_record\n"
        "open_store().record(kind='run', item='x', content_hash='', score=0, response='x')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        "try:\n"
        f"    export_record({str(path)!r})\n"
        "except RecordFault as fault:\n"
        "    print(fault)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )

    assert done.stderr == ""
    assert f"{path} cannot be written" in done.stdout
    assert path.read_bytes() == before
    assert list(folder.iterdir()) == [path]


def test_an_import_into_a_record_that_cannot_be_written_says_so(tmp_path, course_home, monkeypatch):
    answer_in_many_ways()
    export_record(tmp_path / "record.json")
    (tmp_path / "blocked").write_text("a file where the folder should be")
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "blocked"))

    with pytest.raises(RecordFault, match=r"attempts\.sqlite3 cannot be used"):
        import_record(tmp_path / "record.json")


def test_a_refusal_is_one_line_in_a_notebook(tmp_path, capsys):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    try:
        import_record(tmp_path / "record.xlsx")
    except RecordFault:
        shell.showtraceback()

    path = tmp_path / "record.xlsx"
    assert capsys.readouterr().out == f"{path} must end in .json or .csv. Choose another name.\n"


def test_a_deletion_asks_first_and_then_deletes_everything(capsys):
    answer_in_many_ways()
    delete_record()
    assert len(open_store().attempts()) == 5
    said = capsys.readouterr().out
    assert said.startswith("Answers in your record: 5. Nothing is deleted yet.")
    assert "delete_record(really=True)" in said

    delete_record(really=True)
    assert capsys.readouterr().out == "Answers deleted: 5.\n"
    assert Store(open_store().path).attempts() == []
