"""How a check speaks and what it accepts; the exercises themselves are tested beside this file."""

import importlib
import re
import threading

import numpy as np
import pytest

from course_utils.exercises import check, exercise, hint, solution, verdicts
from course_utils.exercises.exercise import Exercise, Mistake, exercises, solutions
from course_utils.exercises.verdicts import judge
from course_utils.quiz.store import open_store

# The package's name `check` is the function, so the module is fetched by its full name.
check_module = importlib.import_module("course_utils.exercises.check")


def half_difference(a, b):
    """Return a half of a - b."""
    return (a - b) / 2


HALVES = Exercise(
    id="halves",
    lesson="none",
    objective="none",
    title="Half a difference",
    stub="def half_difference(a, b):\n    ...\n",
    reference=half_difference,
    cases=lambda rng: [
        (np.array([3.0, 1.0]), np.array([1.0, 1.0])),
        (rng.normal(size=2), np.array([5.0, 2.0])),
    ],
    hints=("Subtract.", "Then halve."),
    mistakes=(Mistake("not-halved", lambda a, b: a - b, "Divide by two."),),
)

PAIR = Exercise(
    id="pair",
    lesson="none",
    objective="none",
    title="Sum and outer product",
    stub="def pair(x):\n    ...\n",
    reference=lambda x: (x.sum(), np.outer(x, x)),
    cases=lambda rng: [(np.array([1.0, 2.0]),)],
    hints=("Two values.",),
    mistakes=(),
    outputs=("total", "square"),
)


def verdict_of(answer, exercise=HALVES):
    return judge(exercise, answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda a, b: 0.5 * a - 0.5 * b,
        lambda a, b: [(x - y) / 2 for x, y in zip(a, b, strict=True)],
        lambda a, b: tuple((a - b) / 2),
        lambda a, b: (a - b) / 2 + 1e-12,
    ],
    ids=["other order of operations", "a list", "a tuple", "rounding"],
)
def test_every_right_variant_is_accepted(answer):
    assert verdict_of(answer).kind == "solved"


@pytest.mark.parametrize("total", [float, np.float64, np.array, int])
def test_a_number_is_accepted_as_float_integer_or_array_without_axes(total):
    assert verdict_of(lambda x: [total(x.sum()), np.outer(x, x)], PAIR).kind == "solved"


def raise_not_implemented(a, b):
    raise NotImplementedError


@pytest.mark.parametrize(
    "stub",
    [lambda a, b: None, lambda a, b: ..., raise_not_implemented, lambda a, b: (..., None)],
    ids=["returns nothing", "returns dots", "raises NotImplementedError", "returns only dots"],
)
def test_an_unfinished_function_is_not_solved_yet(stub):
    verdict = verdict_of(stub)
    assert verdict.kind == "unfinished"
    assert verdict.text.startswith("Not solved yet: half_difference returns nothing so far.")


def test_a_function_with_a_way_through_that_returns_nothing_is_shown_the_inputs():
    assert verdict_of(lambda a, b: (a - b) / 2 if a[0] != 3 else None).text == (
        "Not right yet. With\n"
        "    a = [3, 1]\n"
        "    b = [1, 1]\n"
        "half_difference returns nothing: a way through it has no return.\n"
        'hint("halves") gives a hint.'
    )


def test_a_known_mistake_is_named_with_its_hint():
    verdict = verdict_of(lambda a, b: a - b)
    assert verdict.mistake == "not-halved"
    assert verdict.text == "Not right yet: not halved.\nDivide by two."


def test_a_mistake_is_named_only_where_every_case_shows_it():
    verdict = verdict_of(lambda a, b: a - b if a[0] == 3 else a + b)
    assert (verdict.kind, verdict.mistake) == ("different", None)


def test_a_mistake_made_in_place_is_still_named():
    def in_place(a, b):
        a -= b
        return a

    assert verdict_of(in_place).mistake == "not-halved"


def test_any_other_wrong_answer_is_shown_with_its_inputs_and_the_right_one():
    assert verdict_of(lambda a, b: (a + b) / 3).text == (
        "Not right yet. With\n"
        "    a = [3, 1]\n"
        "    b = [1, 1]\n"
        "your answer is\n"
        "    [1.33, 0.667]\n"
        "expected\n"
        "    [1, 0]\n"
        "(largest difference: 0.667)\n"
        'hint("halves") gives a hint.'
    )


def test_the_first_case_that_differs_is_the_one_shown():
    verdict = verdict_of(lambda a, b: (a - b) / 2 + (b[0] == 5))
    assert "b = [5, 2]" in verdict.text


def test_a_check_says_the_same_each_time():
    def answer(a, b):
        return (a - b) / 2 + (b[0] == 5)

    assert verdict_of(answer) == verdict_of(answer)


def test_a_wrong_shape_is_said_as_such():
    text = verdict_of(lambda a, b: np.ones(3)).text
    assert "your function returned shape (3,), expected (2,)" in text


def test_a_column_does_not_pass_for_a_vector():
    assert "shape (2, 1), expected (2,)" in verdict_of(lambda a, b: (a - b)[:, None] / 2).text


@pytest.mark.parametrize(
    ("result", "name"), [({}, "dict"), ("12", "str"), ([1, [2]], "list"), (1j, "complex")]
)
def test_a_wrong_type_is_said_as_such(result, name):
    text = verdict_of(lambda a, b: result).text
    assert f"your function returned type {name}, expected numbers" in text


def test_nan_is_shown_with_where_it_may_come_from_and_no_warning():
    text = verdict_of(lambda a, b: (a - b) / (b - b)).text
    assert "[inf, nan]" in text
    assert "Look for 0/0" in text


def test_of_several_values_the_right_ones_are_told_and_the_first_wrong_one_is_shown():
    text = verdict_of(lambda x: (x.sum(), x), PAIR).text
    assert "right: total\nyour function returned square of shape (2,), expected (2, 2)" in text


def test_of_two_wrong_values_the_first_is_shown():
    text = verdict_of(lambda x: (x.sum() + 1, np.outer(x, x) + 1), PAIR).text
    assert "your total is\n    4\nexpected\n    3\n" in text
    assert "right" not in text.replace("Not right", "")
    assert "square" not in text


def test_the_largest_difference_is_that_of_the_sizes():
    assert "(largest difference: 3)" in verdict_of(lambda a, b: (a - b) / 2 - 3).text


def test_a_value_still_missing_is_said_to_be_missing():
    text = verdict_of(lambda x: (x.sum(), ...), PAIR).text
    assert "right: total\nyour square is still missing" in text


@pytest.mark.parametrize(
    ("answer", "count"), [(lambda x: 3.0, 1), (lambda x: (1, 2, 3), 3), (lambda x: np.ones(3), 1)]
)
def test_a_wrong_number_of_values_is_said_as_such(answer, count):
    text = verdict_of(answer, PAIR).text
    assert f"your function returned {count} of the 2 values: total, square" in text


def test_an_iterator_of_the_right_values_is_accepted():
    assert verdict_of(lambda x: iter([x.sum(), np.outer(x, x)]), PAIR).kind == "solved"


def test_changing_an_input_is_not_accepted_though_the_values_are_right():
    def in_place(a, b):
        a -= b
        a /= 2
        return a

    verdict = verdict_of(in_place)
    assert verdict.kind == "changed input"
    assert "changes its input a" in verdict.text


def test_a_function_that_only_changes_its_input_is_told_so_rather_than_unfinished():
    def in_place(a, b):
        b[:] = (a - b) / 2

    assert "changes its input b" in verdict_of(in_place).text


def test_an_input_that_is_put_back_counts_as_unchanged():
    def put_back(a, b):
        a += 0.1
        a -= 0.1
        return (a - b) / 2

    assert verdict_of(put_back).kind == "solved"


def test_an_error_is_told_in_one_line_with_the_learners_line():
    def misspelt(a, b):
        return (a - c) / 2  # noqa: F821

    verdict = verdict_of(misspelt)
    assert verdict.kind == "error"
    assert "\n" not in verdict.text
    assert "(return (a - c) / 2" in verdict.text
    assert verdict.text.endswith("NameError: name 'c' is not defined")


def test_an_error_deep_in_a_library_is_told_at_the_learners_line():
    def misshapen(a, b):
        return np.linalg.inv(a)

    assert "(return np.linalg.inv(a))" in verdict_of(misshapen).text


def test_an_error_in_a_function_that_the_learner_calls_is_told_there():
    def half(x):
        return x / 2 + missing  # noqa: F821

    def through_a_function(a, b):
        return half(a - b)

    assert "(return x / 2 + missing" in verdict_of(through_a_function).text


def test_wrong_parameters_are_told_as_the_error_they_raise():
    assert "takes 1 positional argument but 2 were given" in verdict_of(lambda a: a).text


def test_a_call_of_exit_does_not_end_the_lesson():
    def leave(a, b):
        raise SystemExit

    assert "SystemExit" in verdict_of(leave).text


def test_an_endless_function_that_is_interrupted_is_told_with_its_line_and_what_to_do():
    def interrupted(a, b):
        raise KeyboardInterrupt

    line = interrupted.__code__.co_firstlineno + 1
    verdict = verdict_of(interrupted)
    assert verdict.kind == "stopped"
    assert verdict.text == (
        f"Stopped: your function was interrupted in line {line} (raise KeyboardInterrupt), before "
        "it returned.\nLook there for a loop that never ends, correct it, and run the cell again."
    )


def test_an_interrupt_that_meets_the_check_and_not_the_function_does_not_blame_it(monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(verdicts, "_compare", interrupt)
    exercise = exercises()["gd-step"]
    verdict = judge(exercise, exercise.reference)
    assert verdict == verdicts.Verdict(
        "stopped", "Stopped: the check was interrupted before it was done.\nRun the cell again."
    )


def test_an_interrupt_is_kept_as_an_attempt_that_named_no_mistake():
    def interrupted(w, gradient, learning_rate):
        raise KeyboardInterrupt

    check("gd-step", interrupted)
    (attempt,) = open_store().attempts(item="gd-step", kind="exercise")
    assert (attempt.response, attempt.score, attempt.mistake) == ("stopped", 0, None)


def test_while_a_function_runs_long_a_line_says_how_to_end_it(monkeypatch):
    told, lines = threading.Event(), []
    monkeypatch.setattr(verdicts, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(
        verdicts, "print", lambda line: (lines.append(line), told.set()), raising=False
    )

    def slow(a, b):
        assert told.wait(60)
        return (a - b) / 2

    assert verdict_of(slow).kind == "solved"
    assert lines == [
        "half_difference has been running for 0.01 seconds. If it does not end, press ■ in the "
        "toolbar (Interrupt the kernel): this check then says in which line it was."
    ]


@pytest.mark.parametrize(
    "answer",
    [half_difference, lambda a, b: None, lambda a, b: 1 / 0],
    ids=["returns", "is not written yet", "fails"],
)
def test_no_clock_runs_on_after_a_function_that_has_ended(answer):
    before = threading.active_count()
    verdict_of(answer)
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(5)
    assert threading.active_count() == before


def test_where_python_has_no_threads_a_function_is_checked_all_the_same(monkeypatch):
    def refused(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    assert verdict_of(half_difference).kind == "solved"


def test_a_result_that_cannot_become_numbers_does_not_stop_a_check():
    class Hostile:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError

    assert "type Hostile" in verdict_of(lambda a, b: Hostile()).text


def test_check_prints_the_verdict_and_returns_nothing(capsys):
    assert check("gd-step", lambda w, gradient, learning_rate: w - learning_rate * gradient) is None
    assert capsys.readouterr().out == (
        "Solved: gradient_step gives the right answer in all 4 cases.\n"
    )


@pytest.mark.parametrize(
    ("exercise_id", "says"),
    [
        ("gd-stepp", 'There is no exercise "gd-stepp". Did you mean: "gd-step"'),
        ("zzz", 'There is no exercise "zzz". There are: "'),
        (len, "The exercise's id comes first"),
    ],
)
def test_a_wrong_id_prints_what_to_write_instead(exercise_id, says, capsys):
    check(exercise_id, len)
    hint(exercise_id)
    solution(exercise_id)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(says) for line in lines)


def test_a_value_in_place_of_the_function_prints_what_to_write_instead(capsys):
    check("gd-step", np.ones(2))
    assert 'without parentheses: check("gd-step", gradient_step)' in capsys.readouterr().out


def test_attempts_are_kept_with_score_and_mistake():
    check("gd-step", lambda w, gradient, learning_rate: w + learning_rate * gradient)
    check("gd-step", lambda w, gradient, learning_rate: 1 / 0)
    check("gd-step", lambda w, gradient, learning_rate: w - learning_rate * gradient)
    attempts = open_store().attempts(item="gd-step", kind="exercise")
    kept = {(attempt.response, attempt.score, attempt.mistake) for attempt in attempts}
    assert kept == {("mistake", 0, "sign-flipped"), ("error", 0, None), ("solved", 1, None)}
    assert {attempt.content_hash for attempt in attempts} == {exercises()["gd-step"].content_hash}


def test_an_unfinished_function_is_not_kept_as_an_attempt():
    check("gd-step", lambda w, gradient, learning_rate: None)
    assert open_store().attempts(item="gd-step") == []


def test_a_record_that_cannot_be_written_does_not_stop_a_check(monkeypatch, capsys):
    def broken():
        raise OSError("disk full")

    monkeypatch.setattr(check_module, "open_store", broken)
    check("gd-step", lambda w, gradient, learning_rate: w - learning_rate * gradient)
    assert capsys.readouterr().out.startswith("Solved")


def test_hints_come_one_by_one_and_the_last_names_the_solution(monkeypatch, capsys):
    monkeypatch.setattr(check_module, "_hints_given", check_module.Counter())
    hints = exercises()["gd-step"].hints
    for number, text in enumerate(hints, 1):
        hint("gd-step")
        printed = capsys.readouterr().out
        assert printed.startswith(f"Hint {number} of {len(hints)}: {text}\n")
        assert ('solution("gd-step")' in printed) == (number == len(hints))
    hint("gd-step")
    assert capsys.readouterr().out == printed
    hint("gd-backprop")
    assert capsys.readouterr().out.startswith("Hint 1 of ")


def test_the_solution_is_shown_as_source_highlighted_in_a_notebook(monkeypatch):
    shown = []
    monkeypatch.setattr(check_module, "display", shown.append)
    solution("gd-step")
    assert repr(shown[0]).startswith("def gradient_step(w, gradient, learning_rate):\n")
    assert shown[0]._repr_markdown_() == f"```python\n{shown[0]!r}\n```"


def test_an_id_used_twice_is_refused(monkeypatch):
    lesson = importlib.import_module("course_utils.exercises.gradient_descent")
    monkeypatch.setattr(lesson, "EXERCISES", lesson.EXERCISES[:1] * 2)
    with pytest.raises(ValueError, match=r"gradient_descent.py: .* 'gd-step' is used twice"):
        exercises.__wrapped__()


def test_the_content_hash_changes_with_the_stub():
    changed = Exercise(**{**vars(HALVES), "stub": "def half_difference(b, a):\n    ...\n"})
    assert re.fullmatch("[0-9a-f]{16}", HALVES.content_hash)
    assert changed.content_hash != HALVES.content_hash


def test_solutions_are_found_where_the_course_ships_its_notebooks(monkeypatch, tmp_path):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "99_elsewhere.py").write_text("answer = 42\n", encoding="utf-8")
    monkeypatch.setattr(exercise, "shipped", lambda folder: tmp_path)
    assert solutions("99_elsewhere").answer == 42
