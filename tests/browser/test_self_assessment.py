"""Practice and an exam in the self-assessment notebook; the tests share one page, in this order."""

import re
import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lesson, chromium, jupyterlab, needs_chromium

pytestmark = needs_chromium

VERDICT = re.compile("Correct|Not yet")


@pytest.fixture(scope="module")
def course_home(tmp_path_factory):
    return tmp_path_factory.mktemp("self_assessment")


@pytest.fixture(scope="module")
def notebook(course_home):
    with jupyterlab(course_home / "my_course", course_home) as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        yield Lesson(page, address, "self_assessment.ipynb")


@pytest.fixture
def practice(notebook):
    return notebook.output_of("practice()")


def recorded(course_home):
    """The kind and the score of each stored attempt."""
    with closing(sqlite3.connect(course_home / "attempts.sqlite3")) as connection:
        return connection.execute("SELECT kind, score FROM attempt ORDER BY rowid").fetchall()


def choose(practice, label, option):
    """Choose in a list by keyboard: its first letters select an option."""
    field = practice.get_by_role("combobox", name=label)
    field.focus()
    field.page.keyboard.type(option)
    expect(field.locator("option:checked")).to_have_text(option)


def answer(question):
    """Answer a question by keyboard, with its first option or with a number."""
    keyboard = question.page.keyboard
    field = question.locator("fieldset input").first
    field.focus()
    if field.get_attribute("type") == "text":
        keyboard.type("1e9")
    else:
        keyboard.press("Space")
    keyboard.press("Enter")


def press(practice, name):
    practice.get_by_role("button", name=name).focus()
    practice.page.keyboard.press("Enter")


def test_every_cell_runs(notebook):
    notebook.run_all()
    assert notebook.errors == []
    assert notebook.broken_widgets == 0
    expect(notebook.output_of("review()")).to_contain_text("Nothing is due.")


def test_a_practice_round_gives_feedback_at_once(practice, course_home):
    choose(practice, "Lesson", "02 Gradient descent")
    choose(practice, "Level", "Understand")
    choose(practice, "Questions", "5")
    press(practice, "Start")
    questions = practice.locator(".quiz-cell:not(.quiz-form)")
    expect(questions).to_have_count(5)
    first = questions.first
    expect(first).to_contain_text("Question 1 of 5")
    answer(first)
    expect(first.get_by_role("status")).to_contain_text(VERDICT)
    assert len(recorded(course_home)) == 1


def test_an_exam_keeps_its_feedback_to_the_end(practice, course_home):
    choose(practice, "Mode", "Exam: feedback at the end")
    press(practice, "Start")
    expect(practice.get_by_role("button", name="Finish the exam")).to_be_visible()
    questions = practice.locator(".quiz-cell:not(.quiz-form)")
    for number in (0, 1):
        question = questions.nth(number)
        answer(question)
        status = question.get_by_role("status")
        expect(status).to_contain_text("The feedback comes at the end of the exam.")
        expect(status).to_be_focused()  # so that Tab goes on to the next question
        expect(question.locator("fieldset input").first).to_be_disabled()
    assert len(recorded(course_home)) == 3

    right = sum(score == 1 for _, score in recorded(course_home)[1:])
    press(practice, "Finish the exam")
    expect(practice).to_contain_text(f"Right: {right} of 5.")
    expect(practice).to_contain_text("Not answered: questions 3, 4, 5.")
    for number in (0, 1):
        expect(questions.nth(number).get_by_role("status")).to_contain_text(VERDICT)
    expect(questions.nth(2).get_by_role("status")).to_contain_text("Not answered")
    expect(questions.nth(2).get_by_role("button")).to_have_count(0)
    assert len(recorded(course_home)) == 3


def test_nothing_left_this_machine_and_nothing_complained(notebook):
    assert notebook.outside == []
    assert notebook.complaints == []
