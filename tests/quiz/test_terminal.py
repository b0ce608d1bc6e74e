import importlib
import io
import os
import re
import select
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from course_utils.fault import Fault
from course_utils.quiz import terminal
from course_utils.quiz.bank import find_question
from course_utils.quiz.grading import draw, own_seed
from course_utils.quiz.store import open_store

SINGLE, MULTIPLE, NUMERIC = "gd-step-sign", "gd-never-settles", "gd-one-step"


@pytest.fixture
def types(monkeypatch):
    """Let lines come from a pipe, which then ends."""

    def lines(*answers):
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in answers)))

    return lines


@pytest.fixture
def sample(quizzes, monkeypatch):
    """The three questions of the sample bank, as what fits every choice."""
    questions = [find_question(question) for question in (SINGLE, MULTIPLE, NUMERIC)]
    monkeypatch.setattr(
        terminal, "matching", lambda lesson=None, objective=None, level=None: questions
    )
    return questions


def drawn(question, seed=3):
    return draw(find_question(question), seed)


def shown(drawn, text):
    """The number under which the option of this text is shown."""
    (place,) = [i for i, option in enumerate(drawn.question.options) if text in option.text]
    return str(drawn.order.index(place) + 1)


def ask(capsys, *questions, **how):
    answers = terminal.ask(questions, len(questions), **how)
    return answers, capsys.readouterr().out


def read(terminal):
    """What comes next on a terminal; nothing once it is closed or silent for half a minute."""
    if not select.select([terminal], [], [], 30)[0]:
        return b""
    try:
        return os.read(terminal, 4096)
    except OSError:  # so Linux tells that the other side has closed
        return b""


def attempts():
    return open_store().attempts()


def test_a_question_is_read_out_with_its_figure_and_numbered_options(quizzes, types, capsys):
    types()
    one = drawn(SINGLE)
    texts = {0: "w + η ∇L(w)", 1: "w − η ∇L(w)", 2: "w − η L(w)"}

    _, out = ask(capsys, one)

    first, second, third = (texts[place] for place in one.order)
    assert (
        "Question 1 of 1\n\n"
        "Which update lowers a smooth loss L for a small enough η?\n\n"
        "Figure: Two falling curves.\n\n"
        f"1. {first}\n2. {second}\n3. {third}\n\n"
        "Type one number from 1 to 3: "
    ) in out


def test_code_is_indented_and_drawn_numbers_stand_in_the_question(quizzes, types, capsys):
    types()
    _, out = ask(capsys, drawn(MULTIPLE))
    assert "Code:\n\n    w = w + 0.1 * gradient(w)\n\n1. " in out

    one = drawn(NUMERIC)
    _, out = ask(capsys, one)
    assert f"One step from w = {one.variant.numbers['w0']} on L(w) = " in out


def test_the_numbers_of_options_follow_the_draw(quizzes, types, capsys):
    orders = set()
    for seed in range(12):
        types()
        _, out = ask(capsys, drawn(SINGLE, seed))
        orders.add(tuple(re.findall(r"^\d\. (.*)$", out, re.MULTILINE)))

    assert len(orders) > 1


def test_an_answer_is_marked_by_the_option_and_recorded_as_in_the_notebook(quizzes, types, capsys):
    one = drawn(SINGLE)
    types(shown(one, r"w - \eta\,\nabla"))

    answers, out = ask(capsys, one)

    assert "Correct.\n\nYes: a step against the slope.\n" in out
    assert "Right: 1 of 1.\n" in out
    (stored,) = attempts()
    assert (stored.kind, stored.item, stored.response, stored.score, stored.seed) == (
        "question",
        SINGLE,
        [1],
        1.0,
        3,
    )
    assert stored.content_hash == one.question.content_hash
    assert [answer.response for answer in answers] == [[1]]


def test_a_wrong_choice_gets_its_own_feedback_and_the_right_option(quizzes, types, capsys):
    one = drawn(SINGLE)
    types(shown(one, "w + "))

    _, out = ask(capsys, one)

    right = shown(one, r"w - \eta\,\nabla")
    assert (
        "Not yet.\n\nThe gradient points uphill.\n\n"
        f"Right: {right}. w − η ∇L(w)\n\nYes: a step against the slope.\n\n"
    ) in out
    assert "no direction" not in out
    assert "Right: 0 of 1. Not right: question 1.\n" in out


def test_of_several_right_options_those_not_chosen_are_told(quizzes, types, capsys):
    one = drawn(MULTIPLE)
    subtract, more, negate = (shown(one, text) for text in ("Subtract", "Take more", "Negate"))
    types(f"{subtract} {more}", f"{subtract} {negate} {more}")

    _, out = ask(capsys, one, one)
    first, second = out.split("Question 2 of 2\n")

    told = f"Right, but not chosen: {negate}. Negate the loss\n\nYes: climbing it turned over"
    assert told in first
    assert f"About {subtract}: Yes: downhill.\n" in first
    assert first.count("Yes: downhill.") == 1
    assert "not chosen" not in second


def test_several_answers_are_typed_with_spaces_or_commas(quizzes, types, capsys):
    one = drawn(MULTIPLE)
    subtract, negate = shown(one, "Subtract"), shown(one, "Negate")
    types(f"{negate},{subtract}", f"{negate}. ({subtract}) {negate}")

    answers, out = ask(capsys, one, one)

    assert [answer.response for answer in answers] == [[0, 2], [0, 2]]
    assert "4 of 4 choices are as they should be." in out
    assert f"About {subtract}: Yes: downhill.\n" in out


def test_a_named_mistake_is_told_and_recorded(quizzes, types, capsys):
    one = drawn(NUMERIC)
    types(f"{one.variant.mistakes['wrong_sign']:g}".replace(".", ","))

    _, out = ask(capsys, one)

    assert f"You added the gradient at {one.variant.numbers['w0']}." in out
    assert attempts()[0].mistake == "wrong_sign"


def test_after_a_wrong_number_the_right_one_and_its_rule_are_told(quizzes, types, capsys):
    one = drawn(NUMERIC)
    types("99")

    _, out = ask(capsys, one)

    assert (
        f"Not yet.\n\n99 is too large.\n\nRight: {one.variant.key:g}\n\n"
        f"Yes: from {one.variant.numbers['w0']} against the slope.\n"
    ) in out


@pytest.mark.parametrize(
    ("question", "typed", "said"),
    [
        (SINGLE, "0", "'0' is not among the numbers 1 to 3."),
        (SINGLE, "4", "'4' is not among the numbers 1 to 3."),
        (SINGLE, "-1", "'-1' is not among the numbers 1 to 3."),
        (SINGLE, "", "Choose from the numbers 1 to 3."),
        (SINGLE, "1 2", "Choose one answer first."),
        (SINGLE, "9" * 5000, f"'{'9' * 40}' is not among the numbers 1 to 3."),
        (MULTIPLE, "1 5", "'1 5' is not among the numbers 1 to 4."),
        (MULTIPLE, "\x1b[A", r"'\x1b[A' is not among the numbers 1 to 4."),
        (NUMERIC, "many", "'many' is not a number: 0.25, -3 or 1e-3 are read, without units or"),
        (NUMERIC, "", "Write a number first: "),
    ],
)
def test_what_cannot_be_marked_is_asked_again(quizzes, types, capsys, question, typed, said):
    types(typed, "1")

    answers, out = ask(capsys, drawn(question))

    assert said in out
    assert len(answers) == len(attempts()) == 1


def test_in_an_exam_all_feedback_comes_at_the_end(quizzes, types, capsys):
    one, two = drawn(SINGLE), drawn(NUMERIC)
    chosen = shown(one, "w + ")
    types(chosen, two.variant.key)

    _, out = ask(capsys, one, two, exam=True)
    sitting, end = out.split("Feedback on question 1\n")

    assert sitting.count("Noted.") == 2
    for told in ("uphill", "Yes: ", "Right: ", "Correct", "Not yet"):
        assert told not in sitting
    assert f"You answered\n{chosen}. w + η ∇L(w)\n\nNot yet.\n\nThe gradient points uphill." in end
    assert "Yes: a step against the slope." in end
    assert "You answered" in end.split("Feedback on question 2")[1]
    assert "Right: 1 of 2. Not right: question 1.\n" in end


@pytest.mark.parametrize("exam", [False, True])
def test_the_end_of_the_input_ends_it_and_keeps_what_was_answered(quizzes, types, capsys, exam):
    types("1")

    answers, out = ask(capsys, drawn(SINGLE), drawn(MULTIPLE), drawn(NUMERIC), exam=exam)

    assert "Stopped. Questions answered: 1 of 3.\n" in out
    assert "Not answered: questions 2, 3." in out
    assert len(answers) == len(attempts()) == 1


def test_control_c_ends_it_and_keeps_what_was_answered(quizzes, types, capsys, monkeypatch):
    typed = iter(["1"])

    def interrupted(prompt):
        for line in typed:
            return line
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupted)
    _, out = ask(capsys, drawn(SINGLE), drawn(MULTIPLE))

    assert "Stopped. Questions answered: 1 of 2.\n" in out
    assert len(attempts()) == 1


def test_an_answer_is_stored_before_its_feedback_is_shown(quizzes, types, monkeypatch):
    def killed(answer):
        raise SystemExit

    types("1")
    monkeypatch.setattr(terminal, "_feedback", killed)
    with pytest.raises(SystemExit):
        terminal.ask([drawn(SINGLE)], 1)

    assert len(attempts()) == 1


def test_answers_that_could_not_be_stored_are_not_said_to_be(quizzes, types, capsys, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", os.devnull)
    types("1")

    _, out = ask(capsys, drawn(SINGLE))

    assert " ".join(out.split()).count("Your answers are kept for this sitting only") == 2
    assert "in your record" not in out


def test_long_lines_break_between_words_and_code_does_not(quizzes, types, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "24")
    types()
    one = drawn(MULTIPLE)

    _, out = ask(capsys, one)

    # Behind the prompt stands the cursor, so it is not broken.
    prose = [line for line in out.splitlines() if not line.startswith(("    ", "Type"))]
    assert max(map(len, prose)) <= 24
    assert "    w = w + 0.1 * gradient(w)\n" in out


def test_a_long_option_goes_on_below_its_text(quizzes, types, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "16")
    types()

    _, out = ask(capsys, drawn(MULTIPLE))

    assert re.search(r"^\d\. Subtract\n   gradient\(w\)$", out, re.MULTILINE)


def test_an_answer_from_a_pipe_is_shown_after_its_prompt(quizzes, types, capsys):
    types("1")
    _, out = ask(capsys, drawn(SINGLE))
    assert "Type one number from 1 to 3: 1\n" in out


def test_a_quiz_draws_as_many_questions_as_asked_and_each_once(sample, types, capsys):
    types("1", "1")
    terminal.quiz("03", count=2, seed=1)
    out = capsys.readouterr().out
    assert out.startswith("2 questions.\n")
    assert len({attempt.item for attempt in attempts()}) == 2
    assert not {attempt.seed for attempt in attempts()} & {own_seed(q.id) for q in sample}

    types()
    terminal.quiz("03", count=5)
    assert "3 questions. Fewer fit your choices than you asked for.\n" in capsys.readouterr().out
    types()
    terminal.quiz("03")
    assert "3 questions.\n" in capsys.readouterr().out


WAITING = "Others wait until you meet them in their lesson: 1."


@pytest.mark.parametrize(
    ("drawn", "wanted", "waiting", "said"),
    [
        (1, None, 0, "1 question."),
        (10, None, 1, "10 questions."),
        (8, None, 1, f"8 questions. {WAITING}"),
        (3, 3, 1, "3 questions."),
        (3, 4, 1, f"3 questions. Fewer fit your choices than you asked for. {WAITING}"),
    ],
)
def test_fewer_questions_than_asked_for_and_those_that_wait_are_said(drawn, wanted, waiting, said):
    assert terminal._said_of_number(drawn, wanted, waiting) == said


def test_a_seed_gives_the_same_questions_and_other_seeds_give_others(sample, types, capsys):
    def quiz(seed):
        types("1", "1", "1")
        terminal.quiz("03", seed=seed)
        return capsys.readouterr().out

    outs = [quiz(seed) for seed in (1, 1, 2, 3, 4)]

    assert outs[0] == outs[1]
    assert len(set(outs)) == 4


def test_the_seed_of_a_quiz_is_told_so_that_it_can_be_repeated(sample, types, capsys):
    types("1", "1", "1")
    terminal.quiz("03")
    first = capsys.readouterr().out
    (seed,) = re.findall(r"--seed (\d+)\.", " ".join(first.split()))

    types("1", "1", "1")
    terminal.quiz("03", seed=int(seed))

    assert capsys.readouterr().out == first


def test_a_question_met_in_its_lesson_joins_those_of_the_seed_and_changes_none(
    sample, types, capsys, monkeypatch
):
    def quiz(waiting):
        monkeypatch.setattr(
            terminal, "ready", lambda found: [q for q in found if q.id not in waiting]
        )
        types("1", "1", "1")
        terminal.quiz("03", seed=7)
        news, out = attempts()[len(seen) :], " ".join(capsys.readouterr().out.split())
        seen.extend(news)
        return [(attempt.item, attempt.seed) for attempt in news], out

    seen = []
    for question in (SINGLE, MULTIPLE, NUMERIC):
        before, out = quiz([question])
        assert out.endswith("--seed 7. One that you meet in its lesson before then may join them.")
        after, out = quiz([])
        assert out.endswith("--seed 7.")
        assert before == [asked for asked in after if asked[0] != question]


def test_lesson_objective_and_level_choose_the_questions(types, capsys):
    types(*["1"] * 3)
    terminal.quiz("2", count=3, objective="gd.noise", seed=0)

    asked = [find_question(attempt.item) for attempt in attempts()]
    assert {(q.lesson, q.objective) for q in asked} == {("02_gradient_descent", "gd.noise")}


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (("9",), "no lesson '9'; there are questions on 01_loss_minimization, "),
        (("00",), "the questions of lesson 00 are asked in its notebook only"),
        (("02", 3, "gd.nois"), "lesson 02 has no question on 'gd.nois'; try gd.noise"),
        (("03", 3, "gd.noise"), "lesson 03 has no question on 'gd.noise'; try lesson 02"),
        ((None, 3, "gd.nois"), "no question on 'gd.nois'; try gd.noise"),
        (("07", 3, "gd.noise"), "all questions that fit wait until you meet them in their lesson"),
        (("02", 3, None, "hard"), "no level 'hard'; there are remember, understand, apply, "),
    ],
)
def test_a_choice_that_nothing_fits_is_one_clear_line(choices, said):
    with pytest.raises(Fault, match=re.escape(said)):
        terminal.quiz(*choices)


def test_an_objective_without_a_question_at_the_level_is_one_clear_line(sample, monkeypatch):
    monkeypatch.setattr(
        terminal, "matching", lambda lesson, objective=None, level=None: [] if level else sample
    )
    with pytest.raises(Fault, match="no question fits these choices; leave out --level"):
        terminal.quiz("02", objective="gd.update-rule", level="remember")


def test_progress_is_told_in_paragraphs_with_an_objective_on_a_line(types, capsys):
    types("1")
    terminal.quiz("02", count=1, objective="gd.noise")
    capsys.readouterr()

    terminal.progress()

    out = capsys.readouterr().out
    assert out.startswith("Progress\n\n0 of ") or out.startswith("Progress\n\n1 of ")
    for heading in ("Lessons", "Objectives", "Review"):
        assert f"\n\n{heading}\n\n" in out
    assert "\n\n02 Gradient descent:\nupdate rule: not answered yet\n" in out
    assert re.search(r"^noise: \d+ % \(\d+ to \d+\), [01] of 1 right$", out, re.MULTILINE)
    start = out[out.index("00 Start here: not answered") :].split("\n\n")[0].replace("\n", " ")
    assert "(01 Loss minimization, 02 Gradient descent, " in start
    assert "05 RMSProp and Adam" in start


def test_a_number_keeps_its_unit(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    terminal.say("The time is now 25 min, the share 25 %, in 25 h of time")
    assert (
        capsys.readouterr().out == "The time is now\n25 min, the share\n25 %, in 25 h of\ntime\n\n"
    )


@pytest.fixture
def due(quizzes, monkeypatch):
    """Let these questions be due for review."""
    module = importlib.import_module("course_utils.quiz.review")

    def wait(*questions):
        cards = [module.Due(question, datetime(2026, 3, 1, tzinfo=UTC)) for question in questions]
        monkeypatch.setattr(module, "due", lambda: cards)

    return wait


def test_review_asks_what_is_due_in_this_order_and_at_most_ten(due, types, capsys):
    due(NUMERIC, *[SINGLE] * 12)
    types(*["1"] * 13)

    terminal.review()

    out = capsys.readouterr().out
    assert out.startswith("Due for review: 13. Here are the 10 that have waited longest.\n")
    assert [attempt.item for attempt in attempts()] == [NUMERIC, *[SINGLE] * 9]


def test_a_question_comes_back_for_review_with_other_numbers(due, types, capsys):
    due(*[NUMERIC] * 10)
    types(*["1"] * 10)

    terminal.review()

    assert len({attempt.seed for attempt in attempts()}) == 10
    assert (
        len(set(re.findall(r"One step from w = \d on L\(w\) = \d?w²", capsys.readouterr().out))) > 1
    )


def test_when_nothing_is_due_review_says_so(due, capsys):
    due()
    terminal.review()
    assert capsys.readouterr().out.startswith("Nothing is due.")


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of its own needs Unix")
@pytest.mark.parametrize("stop", ["Ctrl-C", "Ctrl-D"])
def test_in_a_real_terminal_no_line_is_written_over_and_stopping_is_polite(stop):
    ours, its = os.openpty()
    # A job that a shell put into the background ignores Ctrl-C, and so would its children.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from course_utils.cli import main; "
        "raise SystemExit(main(['quiz', '03', '--count', '3', '--seed=7']))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=its, stdout=its, stderr=its) as quiz:
        os.close(its)
        prompts, screen = 0, b""
        while news := read(ours):
            screen += news
            if re.search(rb"\n(Type|Answer)[^\r]*: $", screen):
                prompts += 1
                if prompts == 1:
                    os.write(ours, b"1\n")
                elif stop == "Ctrl-D":
                    os.write(ours, b"\x04")
                else:
                    time.sleep(0.5)  # a signal between the prompt and the wait for a line is lost
                    quiz.send_signal(signal.SIGINT)
        quiz.kill()
    os.close(ours)

    assert b": 1\r\n1\r\n" not in screen
    assert b"Stopped. Questions answered: 1 of 3." in screen
    assert b"--seed 7." in screen.replace(b"\r\n", b" ")
    assert b"Traceback" not in screen
    assert b"\x1b" not in screen
    assert b"\r" not in screen.replace(b"\r\n", b"")
    assert len(attempts()) == 1
