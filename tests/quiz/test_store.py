import os
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from course_utils.quiz.store import SCHEMA, Store, open_store

ANSWER = {"kind": "question", "item": "gd-step", "content_hash": "abc", "response": [1], "score": 1}


def test_an_attempt_is_kept_with_everything_about_it(course_home):
    open_store().record(
        **ANSWER | {"response": {"a": [1.5, None]}, "mistake": "wrong_sign", "seed": 7}
    )
    (attempt,) = Store(course_home / "attempts.sqlite3").attempts()

    assert replace(attempt, id="", learner="", course_version="", time="") == replace(
        attempt,
        **ANSWER | {"response": {"a": [1.5, None]}, "mistake": "wrong_sign", "seed": 7},
        id="",
        learner="",
        course_version="",
        time="",
    )
    assert all([attempt.id, attempt.learner, attempt.course_version])
    assert attempt.time.endswith("+00:00")


def test_a_retry_with_the_same_attempt_id_adds_nothing(capsys):
    for score in (0.0, 1.0):
        open_store().record(**ANSWER | {"score": score}, attempt_id="one")

    assert [attempt.score for attempt in open_store().attempts()] == [0.0]
    assert capsys.readouterr().out == ""


def test_the_latest_attempt_is_told_by_kind_and_content():
    store = open_store()
    store.record(**ANSWER, attempt_id="first")
    store.record(**ANSWER | {"kind": "prediction"}, attempt_id="prediction")
    store.record(**ANSWER | {"content_hash": "new"}, attempt_id="reworded")
    store.record(**ANSWER | {"item": "other"}, attempt_id="other")

    assert store.latest("gd-step").id == "reworded"
    assert store.latest("gd-step", content_hash="abc").id == "prediction"
    assert store.latest("gd-step", kind="question", content_hash="abc").id == "first"
    assert store.latest("gd-step", kind="exercise") is None
    assert [attempt.id for attempt in store.attempts(kind="question")] == [
        "first",
        "reworded",
        "other",
    ]


def test_two_processes_that_answer_at_once_lose_nothing(course_home):
    script = (
        "from course_utils.quiz.store import open_store\n"
        "answer = dict(kind='question', item='x', content_hash='', score=0)\n"
        "for i in range(50):\n"
        "    open_store().record(**answer, response=i)\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0]
    assert said == ["", ""]
    assert len(open_store().attempts()) == 100


def test_threads_and_a_fork_share_a_store():
    store = open_store()
    threads = [threading.Thread(target=store.record, kwargs=ANSWER) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(store.attempts()) == 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_may_answer_too():
    script = (
        "import os\n"
        "from course_utils.quiz.store import open_store\n"
        "answer = dict(kind='question', item='x', content_hash='', response=0, score=0)\n"
        "open_store().record(**answer)\n"
        "child = os.fork()\n"
        "open_store().record(**answer)\n"
        "if child:\n"
        "    os.waitpid(child, 0)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)

    assert len(open_store().attempts()) == 3


def kept_for_this_sitting(capsys) -> str:
    """Answer once more than the store can keep, and return the one line that it prints."""
    store = open_store()
    store.record(**ANSWER, attempt_id="one")
    store.record(**ANSWER, attempt_id="one")
    store.record(**ANSWER | {"kind": "prediction"}, attempt_id="two")

    assert [attempt.id for attempt in store.attempts()] == ["one", "two"]
    assert [attempt.id for attempt in open_store().attempts("gd-step", "prediction")] == ["two"]
    assert store.attempts("other") == []
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert line.startswith("Your answers are kept for this sitting only: ")
    assert line.endswith("then restart the kernel.\n")
    assert store.trouble == line.strip()
    return line


def test_a_folder_that_cannot_be_made_is_answered_in_memory(course_home, capsys):
    course_home.write_text("a file where the folder should be")

    assert "set COURSE_HOME to another folder" in kept_for_this_sitting(capsys)


@pytest.mark.parametrize("damage", [b"this is not a database" * 100, None])
def test_a_damaged_file_is_answered_in_memory_and_left_as_it_is(course_home, capsys, damage):
    path = course_home / "attempts.sqlite3"
    course_home.mkdir()
    if damage is None:
        Store(path).record(**ANSWER)
        damage = path.read_bytes()[:100] + b"\xff" * 4000
    path.write_bytes(damage)

    assert "is damaged" in kept_for_this_sitting(capsys)
    assert path.read_bytes() == damage


def test_a_file_of_a_newer_course_is_answered_in_memory_and_left_as_it_is(course_home, capsys):
    course_home.mkdir()
    path = course_home / "attempts.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.close()
    before = path.read_bytes()

    assert "newer version of the course. Update the course" in kept_for_this_sitting(capsys)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("room", "kept"),
    [(100_000, ["early", "latel", "later"]), (30_000, ["latel", "later"])],
    ids=["room to read", "no room to read"],
)
def test_a_full_disk_keeps_new_answers_in_memory_and_loses_none(course_home, room, kept):
    script = (
        "import resource\n"
        "from course_utils.quiz.store import open_store\n"
        "answer = dict(kind='question', item='x', content_hash='', score=0)\n"
        "store = open_store()\n"
        "store.record(**answer, response='early')\n"
        f"room = {room}\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))\n"
        "store.record(**answer, response='late' * room)\n"
        "store.record(**answer, response='later')\n"
        "print([attempt.response[:5] for attempt in store.attempts()])\n"
    )
    pytest.importorskip("resource", reason="this system cannot limit the size of a file")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )

    assert done.stderr == ""
    trouble, answers = done.stdout.splitlines()
    assert trouble.startswith("Your answers are kept for this sitting only: ")
    assert answers == str(kept)
    assert [attempt.response for attempt in Store(course_home / "attempts.sqlite3").attempts()] == [
        "early"
    ]


def test_a_store_locked_by_another_process_is_waited_for(course_home, monkeypatch, capsys):
    open_store().record(**ANSWER)
    holder = sqlite3.connect(
        course_home / "attempts.sqlite3", isolation_level=None, check_same_thread=False
    )
    holder.execute("BEGIN IMMEDIATE")
    released = threading.Timer(0.5, holder.execute, ["COMMIT"])
    released.start()
    open_store().record(**ANSWER)
    released.join()
    holder.close()

    assert len(open_store().attempts()) == 2
    assert capsys.readouterr().out == ""


def test_a_reader_is_not_kept_waiting_by_a_writer(course_home):
    open_store().record(**ANSWER)
    holder = sqlite3.connect(course_home / "attempts.sqlite3", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")

    assert len(open_store().attempts()) == 1
    assert open_store().trouble is None
    holder.close()
