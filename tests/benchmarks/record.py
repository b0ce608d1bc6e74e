"""How long the dashboard and the review take with a long record; prints a table.

    python tests/benchmarks/record.py [number of attempts]

The record is made up, in a folder of its own: answers, predictions and checks over two years, three
in four of them right. Each row is the median of five calls in a process that has drawn a figure
before, as every lesson has. The last two rows are commands, the start of Python included.
"""

import contextlib
import io
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta

ROUNDS = 5
ATTEMPTS = 100_000


def made_up(number):
    """Return a record, the oldest attempt first."""
    from course_utils.exercises.exercise import exercises
    from course_utils.quiz.attempts import Attempt
    from course_utils.quiz.bank import read_banks

    draw = random.Random(0)
    questions = [question for bank in read_banks().values() for question in bank.questions]
    kinds = {"question": questions, "prediction": questions, "exercise": [*exercises().values()]}
    moment, step = datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=730) / number
    attempts = []
    for _ in range(number):
        (kind,) = draw.choices([*kinds], weights=[8, 1, 1])
        item, right = draw.choice(kinds[kind]), draw.random() < 0.75
        moment += step * draw.uniform(0.5, 1.5)
        attempts.append(
            Attempt(
                id=str(uuid.UUID(int=draw.getrandbits(128))),
                learner="learner",
                kind=kind,
                item=item.id,
                content_hash=item.content_hash,
                seed=draw.getrandbits(32),
                response="different" if kind == "exercise" else [draw.randrange(4)],
                score=float(right),
                mistake=None if right or not item.mistakes else draw.choice(item.mistakes).name,
                course_version="0.1.0",
                time=moment.isoformat(timespec="milliseconds"),
            )
        )
    return attempts


def seconds(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def quietly(function):
    """Call a function whose displays are not looked at."""
    with contextlib.redirect_stdout(io.StringIO()):
        function()


def command(*arguments):
    course = [sys.executable, "-m", "course_utils.cli", *arguments]
    subprocess.run(course, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def main(number=ATTEMPTS):
    from course_utils import figures
    from course_utils.quiz.dashboard import dashboard
    from course_utils.quiz.review import review_text
    from course_utils.quiz.store import open_store

    store = open_store()
    store.add(made_up(number))
    figures.png(figures.subplots()[0])
    rows = [
        ("read the record", "–", store.attempts),
        ("dashboard()", "1 s", lambda: quietly(dashboard)),
        ("what is due for review", "0.5 s", review_text),
        ("`course progress`", "–", lambda: command("progress")),
        ("`course review`", "0.5 s", lambda: command("review")),
    ]
    print(f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores, Python", end=" ")
    print(f"{platform.python_version()}; {number:,} attempts\n")
    print("| work | median | aim |")
    print("| --- | --- | --- |")
    for work, aim, function in rows:
        median = statistics.median(seconds(function) for _ in range(ROUNDS))
        print(f"| {work} | {median:.2f} s | {aim} |", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COURSE_HOME"] = folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # learners' Python keeps what it compiled
        main(*map(int, sys.argv[1:]))
