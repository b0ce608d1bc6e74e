import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing

import pytest

from course_utils.quiz import attempts as table
from course_utils.quiz.attempts import SCHEMA
from course_utils.quiz.bank import find_question
from course_utils.quiz.cell import QuizCell
from course_utils.quiz.store import RecordFault, Store, open_store

KEPT = "Your answers are kept for this sitting only: "
ANSWER = {"kind": "question", "item": "gd-step", "content_hash": "abc", "response": [1], "score": 1}


def test_an_attempt_is_kept_with_everything_about_it(course_home):
    open_store().record(
        **ANSWER | {"response": {"a": [1.5, None]}, "mistake": "wrong_sign", "seed": 7}
    )
    (attempt,) = Store(course_home / "attempts.sqlite3").attempts()

    assert attempt == attempt._replace(
        **ANSWER | {"response": {"a": [1.5, None]}, "mistake": "wrong_sign", "seed": 7}
    )
    assert all([attempt.id, attempt.learner, attempt.course_version])
    assert attempt.time.endswith("+00:00")


def test_a_retry_with_the_same_attempt_id_adds_nothing(capsys):
    for score in (0.0, 1.0):
        open_store().record(**ANSWER | {"score": score}, attempt_id="one")

    assert [attempt.score for attempt in open_store().attempts()] == [0.0]
    assert capsys.readouterr().out == ""


def test_attempts_are_told_by_item_and_kind():
    store = open_store()
    store.record(**ANSWER, attempt_id="first")
    store.record(**ANSWER | {"kind": "prediction"}, attempt_id="prediction")
    store.record(**ANSWER | {"content_hash": "new"}, attempt_id="reworded")
    store.record(**ANSWER | {"item": "other"}, attempt_id="other")

    asked = [attempt.id for attempt in store.attempts("gd-step", "question")]
    assert asked == ["first", "reworded"]
    assert store.attempts("gd-step", "exercise") == []
    assert [attempt.id for attempt in store.attempts(kind="question")] == [
        "first",
        "reworded",
        "other",
    ]


def test_threads_share_a_store():
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


def test_attempts_come_in_order_of_time_wherever_they_were_made():
    store = open_store()
    store.record(**ANSWER)
    (mine,) = store.attempts()
    earlier = mine._replace(id="elsewhere", time="2020-01-01T00:00:00.000+00:00")

    assert store.add([earlier, mine]) == 1
    assert store.attempts() == [earlier, mine]


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
    assert line.startswith(KEPT)
    assert store.trouble == line.strip()
    return line


def test_a_folder_that_cannot_be_made_is_answered_in_memory(course_home, capsys):
    course_home.write_text("a file where the folder should be")

    assert "set COURSE_HOME to another folder" in kept_for_this_sitting(capsys)


def test_answers_kept_in_memory_are_saved_with_the_first_one_that_can_be(course_home, capsys):
    course_home.write_text("a file where the folder should be")
    kept_for_this_sitting(capsys)
    course_home.unlink()
    open_store().record(**ANSWER, attempt_id="three")

    stored = Store(course_home / "attempts.sqlite3").attempts()
    assert [attempt.id for attempt in stored] == ["one", "two", "three"]
    assert open_store().attempts() == stored
    assert open_store().trouble is None
    assert capsys.readouterr().out.startswith("All your answers are saved now, in ")


def test_an_answer_too_large_for_the_room_is_kept_in_memory(course_home):
    pytest.importorskip("resource", reason="this system cannot limit the size of a file")
    script = (
        "import resource\n"
        "from course_utils.quiz.store import open_store\n"
        "answer = dict(kind='question', item='x', content_hash='', score=0)\n"
        "open_store().record(**answer, response='early')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "open_store().record(**answer, response='large' * 100_000)\n"
        "open_store().record(**answer, response='later')\n"
        "print([attempt.response[:5] for attempt in open_store().attempts()])\n"
    )
    trouble, answers = run([sys.executable, "-c", script]).splitlines()

    assert trouble.startswith(KEPT)
    assert answers == "['early', 'large', 'later']"
    assert [attempt.response for attempt in open_store().attempts()] == ["early"]


def test_a_file_of_a_newer_course_is_answered_in_memory_and_left_as_it_is(course_home, capsys):
    course_home.mkdir()
    path = course_home / "attempts.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.close()
    before = path.read_bytes()

    assert "newer version of the course. Update the course." in kept_for_this_sitting(capsys)
    for forbidden in (open_store().delete, lambda: open_store().add([])):
        with pytest.raises(RecordFault, match=r"newer version of the course\. Update the course"):
            forbidden()
    assert path.read_bytes() == before
    assert [file.name for file in course_home.iterdir()] == [path.name]


def scribble(path, place, size=3000):
    """Overwrite a part of a file."""
    with path.open("r+b") as file:
        file.seek(place)
        file.write(b"\xff" * size)


def execute(path, statement):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement)
    connection.close()


def write_long_record(path):
    store = Store(path)
    store.record(**ANSWER)
    (attempt,) = store.attempts()
    store.add([attempt._replace(id=f"{number}", response="x" * 500) for number in range(300)])


DAMAGES = {
    "another file": lambda path: path.write_bytes(b"this is not a database" * 100),
    "spoiled after its header": lambda path: scribble(path, 100),
    "spoiled inside": lambda path: scribble(path, path.stat().st_size // 2),
    "spoiled at its end": lambda path: scribble(path, path.stat().st_size - 3000),
    "cut off": lambda path: os.truncate(path, path.stat().st_size // 2),
    "another table": lambda path: execute(path, "ALTER TABLE attempt RENAME score TO points"),
    "no table": lambda path: execute(path, "DROP TABLE attempt"),
    "a spoiled response": lambda path: execute(path, "UPDATE attempt SET response = '[1'"),
    "a spoiled text": lambda path: execute(path, "UPDATE attempt SET item = CAST(x'ff' AS TEXT)"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
def test_a_damaged_file_is_set_aside_and_a_fresh_one_is_begun(course_home, capsys, damage):
    path = course_home / "attempts.sqlite3"
    write_long_record(path)
    damage(path)
    before = path.read_bytes()

    assert open_store().attempts() == []
    (aside,) = course_home.glob("attempts.damaged-*.sqlite3")
    assert aside.read_bytes() == before
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert "is damaged" in line
    assert f"set aside as {aside}" in line
    assert open_store().trouble == line.strip()

    open_store().record(**ANSWER, attempt_id="new")
    assert [attempt.id for attempt in Store(path).attempts()] == ["new"]
    assert open_store().trouble is None
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("damage", list(DAMAGES)[:7])
def test_damage_is_found_before_the_first_answer_of_a_sitting(course_home, damage):
    path = course_home / "attempts.sqlite3"
    write_long_record(path)
    DAMAGES[damage](path)
    Store(path).record(**ANSWER, attempt_id="new")

    assert [attempt.id for attempt in Store(path).attempts()] == ["new"]


def test_the_log_beside_a_damaged_file_is_set_aside_with_it(course_home):
    path = course_home / "attempts.sqlite3"
    Store(path).record(**ANSWER)
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM attempt").fetchall()
    Store(path).record(**ANSWER)
    log = path.with_name("attempts.sqlite3-wal").read_bytes()
    scribble(path, 100)
    Store(path)
    reader.close()

    (aside,) = course_home.glob("attempts.damaged-*-wal")
    assert log
    assert aside.read_bytes() == log


def test_answers_of_this_sitting_come_into_the_fresh_file_if_the_old_one_is_damaged_now(
    course_home, capsys
):
    path = course_home / "attempts.sqlite3"
    Store(path).record(**ANSWER, attempt_id="before")
    first, second = Store(path), Store(path)
    first.record(**ANSWER, attempt_id="first")
    second.record(**ANSWER, attempt_id="second")
    scribble(path, 100)
    first.record(**ANSWER, attempt_id="first again")

    assert "is damaged" in first.trouble
    assert [attempt.id for attempt in first.attempts()] == ["first", "first again"]
    assert {attempt.id for attempt in second.attempts()} == {"first", "first again", "second"}
    assert len(list(course_home.glob("attempts.damaged-*.sqlite3"))) == 1
    assert capsys.readouterr().out.count("\n") == 1


def test_an_answer_written_while_the_file_is_set_aside_comes_into_the_fresh_one(course_home):
    path = course_home / "attempts.sqlite3"
    open_store().record(**ANSWER)
    answers = open_store().attempts()
    Store(path).delete()

    class SetAsideMeanwhile(list):
        def __iter__(self):
            if not (course_home / "aside").exists():
                path.rename(course_home / "aside")
            return super().__iter__()

    Store(path).add(SetAsideMeanwhile(answers))
    assert Store(path).attempts() == answers


def test_attempts_are_added_all_or_none():
    open_store().record(**ANSWER)
    (good,) = open_store().attempts()
    with pytest.raises(RecordFault, match="cannot be used"):
        open_store().add([good._replace(id="a"), good._replace(id="b", item=None)])

    assert open_store().attempts() == [good]


def test_answers_of_this_sitting_survive_a_folder_that_is_taken_away(course_home):
    store = open_store()
    store.record(**ANSWER, attempt_id="one")
    shutil.rmtree(course_home)
    store.record(**ANSWER, attempt_id="two")

    assert [attempt.id for attempt in Store(store.path).attempts()] == ["one", "two"]


def test_what_is_kept_in_memory_is_read_with_the_rest(course_home):
    store = open_store()
    store.record(**ANSWER)
    course_home.rename(course_home.with_name("taken away"))
    course_home.write_text("a file where the folder should be")
    for attempt_id in ("kept", "kept", "kept too"):
        store.record(
            **ANSWER | {"kind": "prediction", "item": "p", "score": 0}, attempt_id=attempt_id
        )
    assert [(kind, item, score) for _, kind, item, score in store.outcomes()] == [
        ("prediction", "p", 0.0)
    ] * 2
    assert store.newest(1) == store.outcomes()[-1:]
    assert [(of.item, of.attempts, of.right) for of in store.sums()] == [("p", 2, 0)]
    assert [(found.response, found.times) for found in store.wrong()] == [(ANSWER["response"], 2)]

    course_home.unlink()
    assert [(item, score) for _, _, item, score in store.outcomes()] == [
        ("gd-step", 1.0),
        ("p", 0.0),
        ("p", 0.0),
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("damaged", [False, True])
def test_processes_that_find_the_same_file_at_once_agree(course_home, damaged):
    script = (
        "import os\n"
        "from course_utils.quiz.store import open_store\n"
        "for process in range(6):\n"
        "    if not os.fork():\n"
        "        for number in range(5):\n"
        "            open_store().record(kind='question', item='x', content_hash='',\n"
        "                                response=0, score=0, seed=10 * process + number)\n"
        "        os._exit(0)\n"
        "for process in range(6):\n"
        "    os.wait()\n"
    )
    course_home.mkdir()
    path = course_home / "attempts.sqlite3"
    if damaged:
        path.write_bytes(b"this is not a database" * 100)
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)

    assert sorted(attempt.seed for attempt in Store(path).attempts()) == [
        10 * process + number for process in range(6) for number in range(5)
    ]
    assert len(list(course_home.glob("attempts.damaged-*.sqlite3"))) == damaged


def test_a_store_locked_by_another_process_is_waited_for(course_home, capsys):
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


def test_a_store_that_stays_locked_says_so_and_saves_the_answer_later(
    course_home, capsys, monkeypatch
):
    monkeypatch.setattr(table, "BUSY_SECONDS", 0.1)
    store = open_store()
    with closing(table.connect(course_home / "attempts.sqlite3")) as holder:
        holder.execute("BEGIN IMMEDIATE")
        store.record(**ANSWER)
        told = capsys.readouterr().out
        assert told.startswith(KEPT)
        assert "Another program is using it" in told
        assert "Make room" not in told
    store.record(**ANSWER)
    assert len(Store(store.path).attempts()) == 2


def test_a_reader_is_not_kept_waiting_by_a_writer(course_home):
    open_store().record(**ANSWER)
    holder = sqlite3.connect(course_home / "attempts.sqlite3", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")

    assert len(open_store().attempts()) == 1
    assert open_store().trouble is None
    holder.close()


def test_deleting_leaves_nothing_of_the_answers_in_the_folder(course_home):
    path = course_home / "attempts.sqlite3"
    course_home.mkdir()
    path.write_bytes(b"a secret answer, damaged" * 100)
    reader = sqlite3.connect(path)
    store = open_store()
    for _ in range(200):
        store.record(**ANSWER | {"response": "a secret answer"})
    reader.close()

    assert store.delete() == 200
    assert store.attempts() == []
    for file in course_home.iterdir():
        assert b"a secret answer" not in file.read_bytes()
        assert file.stat().st_size < 30_000
    store.record(**ANSWER)
    assert len(Store(path).attempts()) == 1


def test_what_another_process_deletes_stays_deleted(course_home):
    store = open_store()
    store.record(**ANSWER, attempt_id="old")
    Store(store.path).delete()
    store.record(**ANSWER, attempt_id="new")

    assert [attempt.id for attempt in store.attempts()] == ["new"]


def test_a_record_that_cannot_be_deleted_says_so(course_home):
    course_home.write_text("a file where the folder should be")
    open_store().record(**ANSWER)

    with pytest.raises(RecordFault, match="cannot be used"):
        open_store().delete()
    assert len(open_store().attempts()) == 1


def test_a_question_with_a_new_meaning_is_open_and_the_old_answers_stay(quizzes):
    cell = QuizCell(find_question("gd-step-sign"))
    cell._handle_custom_msg({"attempt": "old", "response": [0]}, [])
    bank = quizzes / "99_sample.toml"
    text = bank.read_text(encoding="utf-8")
    bank.write_text(text.replace("gd-step-sign", "gd-step-direction"), encoding="utf-8")
    changed = QuizCell(find_question("gd-step-direction"))

    assert changed.result is None
    changed._handle_custom_msg({"attempt": "new", "response": [0]}, [])
    assert [(attempt.id, attempt.item) for attempt in open_store().attempts()] == [
        ("old", "gd-step-sign"),
        ("new", "gd-step-direction"),
    ]


# How a notebook and the terminal use the record. `answer(number)` answers a question drawn from
# that seed, and returns what the learner then reads.
USES = {
    "notebook": """
from course_utils.quiz.cell import QuizCell
def answer(number):
    cell = QuizCell(QUESTION, seed=number)
    cell._handle_custom_msg({"attempt": f"{os.getpid()} {number}", "response": [0]}, [])
    assert cell.result["title"] in ("Correct", "Not yet")
    return cell.result.get("trouble", "")
""",
    "terminal": """
import builtins, io
from contextlib import redirect_stdout
from course_utils.quiz import terminal
from course_utils.quiz.grading import draw
builtins.input = lambda prompt: "1"
def answer(number):
    with redirect_stdout(io.StringIO()) as shown:
        (given,) = terminal.ask([draw(QUESTION, number)], 1)
    return " ".join(shown.getvalue().split())
""",
}


def program(use: str, text: str) -> list[str]:
    """Return the command that runs a text with `answer` at hand."""
    start = (
        "import json, os\n"
        "from course_utils.quiz.bank import find_question\n"
        "from course_utils.quiz.store import open_store\n"
        "QUESTION = find_question('gd-step-sign')\n"
    )
    seeds = "def seeds(): return [attempt.seed for attempt in open_store().attempts()]\n"
    return [sys.executable, "-c", start + USES[use] + seeds + text]


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    return done.stdout


KILLED = """
import random, signal, time
def begin(number):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        answer(number)
        os.write(writer, b"saved")
        time.sleep(60)
    os.close(writer)
    return child, reader
def kill(child, reader):
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open(reader, "rb") as told:
        return told.read()
begun = time.perf_counter()
for number in range(10):
    child, reader = begin(1000 + number)
    os.read(reader, 1)
    kill(child, reader)
usual = (time.perf_counter() - begun) / 10
moments = random.Random(0)
for number in range(200):
    os.environ["COURSE_HOME"] = f"{HOME}/{number // 50}"
    child, reader = begin(number)
    time.sleep(moments.uniform(0, 1.5 * usual))
    if kill(child, reader):
        print(number)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("use", USES)
def test_of_200_submits_killed_at_any_moment_none_is_lost_or_doubled(tmp_path, course_home, use):
    homes = tmp_path / "homes"
    saved = run(program(use, f"HOME = {str(homes)!r}\n{KILLED}")).split()
    stores = [Store(homes / f"{place}" / "attempts.sqlite3") for place in range(4)]
    stored = Counter(attempt.seed for store in stores for attempt in store.attempts())

    assert 5 < len(saved) < 195, "the kills must hit before, in and after the saving"
    assert {int(number) for number in saved} <= stored.keys()
    assert set(stored.values()) == {1}
    assert not list(homes.glob("*/attempts.damaged-*"))


def test_an_answer_that_the_browser_sends_again_after_a_crash_is_kept_once(quizzes):
    for _ in range(2):  # the kernel of the second cell knows nothing of the first
        cell = QuizCell(find_question("gd-step-sign"))
        cell._handle_custom_msg({"attempt": "made once", "response": [0]}, [])

    assert [attempt.id for attempt in open_store().attempts()] == ["made once"]


def test_two_notebooks_and_a_terminal_that_answer_at_once_lose_nothing(course_home):
    processes = [
        subprocess.Popen(
            program(use, f"for number in {numbers}: answer(number)\nprint(open_store().trouble)"),
            stdout=subprocess.PIPE,
            text=True,
        )
        for use, numbers in [
            ("notebook", range(500)),
            ("terminal", range(500, 1000)),
            ("notebook", range(1000, 1100)),
        ]
    ]

    assert [process.communicate(timeout=120)[0] for process in processes] == ["None\n"] * 3
    assert sorted(attempt.seed for attempt in open_store().attempts()) == list(range(1100))


@pytest.mark.parametrize("use", USES)
def test_with_no_room_left_answers_wait_in_memory_until_there_is_some(course_home, use):
    pytest.importorskip("resource", reason="this system cannot limit the size of a file")
    script = (
        "import resource\n"
        "answer(1)\n"
        "_, most = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, most))\n"
        "told = [answer(2), answer(3)]\n"
        "print(json.dumps([told, seeds()]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))\n"
        "told = answer(4)\n"
        "print(json.dumps([told, seeds()]))\n"
    )
    lines = run(program(use, script)).splitlines()
    (told, seen), (told_then, seen_then) = (json.loads(line) for line in lines if line[0] == "[")

    assert all(KEPT in said for said in told)
    assert seen == [1, 2, 3]
    assert KEPT not in told_then
    assert seen_then == [1, 2, 3, 4]
    assert sum(line.startswith(KEPT) for line in lines) == (use == "notebook")
    assert [attempt.seed for attempt in open_store().attempts()] == [1, 2, 3, 4]


def without_the_rights_of_root(command: list[str]) -> list[str]:
    """Return a command that may not write where its user may not."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this system's folders cannot be made read-only")
    if os.geteuid() != 0:
        return command
    if not shutil.which("setpriv"):
        pytest.skip("as root every folder can be written to")
    return ["setpriv", "--bounding-set=-dac_override", *command]


@pytest.mark.parametrize("use", USES)
def test_in_a_read_only_folder_earlier_answers_are_read_and_new_ones_wait(course_home, use):
    script = (
        "from pathlib import Path\n"
        "home = Path(os.environ['COURSE_HOME'])\n"
        "told = [answer(2), answer(3)]\n"
        "print(json.dumps([told, seeds()]))\n"
        "home.chmod(0o755)\n"
        "(home / 'attempts.sqlite3').chmod(0o644)\n"
        "told = answer(4)\n"
        "print(json.dumps([told, seeds()]))\n"
    )
    open_store().record(**ANSWER, seed=1)
    (course_home / "attempts.sqlite3").chmod(0o444)
    course_home.chmod(0o555)
    lines = run(without_the_rights_of_root(program(use, script))).splitlines()
    (told, seen), (told_then, seen_then) = (json.loads(line) for line in lines if line[0] == "[")

    assert all(KEPT in said for said in told)
    assert seen == [1, 2, 3]
    assert KEPT not in told_then
    assert seen_then == [1, 2, 3, 4]
    assert [attempt.seed for attempt in open_store().attempts()] == [1, 2, 3, 4]
