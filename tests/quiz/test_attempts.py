from contextlib import ExitStack, closing

import pytest

from course_utils.quiz import attempts as table
from course_utils.quiz.attempts import Attempt, Sum, Wrong

FIRST = Attempt("1", "me", "question", "q", "now", 7, [1], 0.0, "flip", "0.1.0", "2026-03-01T10:00")
LATER = "2026-03-02T10:00"


@pytest.fixture
def record():
    """Make a table of attempts, each like the first but for what is given."""

    def made(*changes):
        numbered = [FIRST._replace(id=str(n), **change) for n, change in enumerate(changes)]
        return opened.enter_context(closing(table.in_memory(numbered)))

    with ExitStack() as opened:
        yield made


def test_a_sum_knows_the_first_and_the_newest_score_whatever_the_order_in_the_file(record):
    changes = {"time": LATER, "score": 0.5}, {}, {"time": "2026-03-01T11:00", "score": 1}
    (asked,) = table.sums(record(*changes))
    assert asked == Sum("question", "q", "now", 3, 1, newest=0.5, first_prediction=None)
    (predicted,) = table.sums(record(*(change | {"kind": "prediction"} for change in changes)))
    assert predicted[3:] == (3, 1, 0.5, 0.0)


def test_each_kind_item_and_content_is_summed_up_alone(record):
    connection = record({}, {"kind": "prediction"}, {"item": "r"}, {"content_hash": "before"}, {})
    assert sorted(of[:4] for of in table.sums(connection)) == [
        ("prediction", "q", "now", 1),
        ("question", "q", "before", 1),
        ("question", "q", "now", 2),
        ("question", "r", "now", 1),
    ]


def test_only_what_was_said_wrongly_is_told_and_counted(record):
    connection = record(
        {"kind": "prediction", "mistake": None, "response": 0.5},
        {},
        {"mistake": None},
        {"score": 1, "mistake": None, "kind": "prediction"},
        {"time": LATER},
        {"response": [2]},
    )
    assert table.wrong(connection) == [
        Wrong("prediction", "q", "now", 0.5, None, times=1),
        Wrong("question", "q", "now", [1], "flip", times=2),
        Wrong("question", "q", "now", [2], "flip", times=1),
    ]


def test_the_newest_outcomes_are_those_of_each_content_and_kind_in_order(record):
    connection = record(
        *({"time": f"2026-01-0{day}", "score": day} for day in (3, 1, 5, 2, 4)),
        {"time": "2026-01-06", "item": "p"},
        {"time": "2026-01-02", "kind": "prediction"},
        {"time": "2026-01-01", "content_hash": "before"},
    )
    assert [(time[-1], kind, item) for time, kind, item, _ in table.newest(connection, 2)] == [
        ("1", "question", "q"),
        ("2", "prediction", "q"),
        ("4", "question", "q"),
        ("5", "question", "q"),
        ("6", "question", "p"),
    ]


def test_a_long_record_is_summed_up_without_reading_its_rows(record):
    connection, statements = record({}), []
    connection.set_trace_callback(statements.append)
    table.outcomes(connection)
    table.sums(connection)
    table.newest(connection, 2)
    connection.set_trace_callback(None)
    assert len(statements) == 5
    for statement in statements:
        (scan, *_) = connection.execute(f"EXPLAIN QUERY PLAN {statement}")
        assert "USING COVERING INDEX" in scan[-1]
