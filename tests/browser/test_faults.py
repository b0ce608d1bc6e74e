"""What can go wrong in a lesson: each fault shows a clear state, and nothing is lost."""

import json
import sqlite3
import time
from contextlib import closing

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lesson, chromium, jupyterlab, needs_chromium

pytestmark = [needs_chromium, pytest.mark.long]

NOTEBOOK = "02_gradient_descent.ipynb"
SET_UP = "import numpy as np"
EXPLORER = "explorers.descent()"
QUESTION = 'ask("gd-step-sign")'
PREDICTION = 'predict("gd-predict-steep-step")'
REVEAL = 'reveal("gd-predict-steep-step")'
EXERCISE = 'check("gd-step", gradient_step)'
ENDLESS = f"def gradient_step(w, gradient, learning_rate):\n    while True: pass\n\n\n{EXERCISE}"
CORRECT = (
    "def gradient_step(w, gradient, learning_rate):\n"
    f"    return w - learning_rate * gradient\n\n\n{EXERCISE}"
)
NOT_HEARD = "No answer from the kernel yet"
LONGEST_WAIT = 15  # seconds; the store waits five for another process

# Returns when the cells have run, if it waits. A cell far from those in sight is on the page only
# once it was scrolled to.
RUN = """async ([codes, wait]) => {
  const { content } = window.jupyterapp.shell.currentWidget;
  const ran = [];
  for (const code of codes) {
    content.activeCellIndex = content.widgets.findIndex(({ model }) =>
      model.type === 'code' && model.sharedModel.getSource().includes(code));
    content.deselectAll();
    await content.scrollToItem(content.activeCellIndex);
    ran.push(window.jupyterapp.commands.execute('notebook:run-cell'));
  }
  if (wait) await Promise.all(ran);
}"""
SCROLL = """(code) => {
  const { content } = window.jupyterapp.shell.currentWidget;
  return content.scrollToItem(content.widgets.findIndex(({ model }) =>
    model.type === 'code' && model.sharedModel.getSource().includes(code)));
}"""
WRITE = """([code, text]) => window.jupyterapp.shell.currentWidget.content.widgets
  .find(({ model }) => model.type === 'code' && model.sharedModel.getSource().includes(code))
  .model.sharedModel.setSource(text)"""


class Faulty(Lesson):
    """A lesson of which single cells are run."""

    def run_cells(self, *codes, wait=True):
        self.page.evaluate(RUN, [codes, wait])

    def scroll_to(self, code):
        self.page.evaluate(SCROLL, code)

    def write(self, code, text):
        self.page.evaluate(WRITE, [code, text])

    def save(self):
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def reload(self):
        self.page.reload()
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        self.wait_until_idle()

    def reading(self):
        return self.output_of(EXPLORER).locator(".course-stage-reading")

    def press_on_slider(self, key):
        self.output_of(EXPLORER).get_by_role("slider").first.focus()
        self.page.keyboard.press(key)

    def answer(self, code, option, button):
        """Choose an option by its place; return where the reply will be."""
        question = self.output_of(code)
        question.get_by_role("radio").nth(option).check()
        question.get_by_role("button", name=button).click()
        return question.get_by_role("status")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def address(scratch):
    with jupyterlab(scratch / "my_course", scratch) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_tab(scratch, address, browser):
    """Opens the lesson in a tab; afterwards its kernel, its record and its outputs are gone."""
    tabs, notebook = [], scratch / "my_course" / NOTEBOOK
    handed_out = notebook.read_bytes()
    context = browser.new_context(viewport={"width": 1280, "height": 1000})

    def open_tab():
        tabs.append(Faulty(context.new_page(), address, NOTEBOOK))
        return tabs[-1]

    yield open_tab
    tabs[0].shut_down()
    context.close()
    notebook.write_bytes(handed_out)
    for file in scratch.glob("attempts.sqlite3*"):
        file.unlink()


@pytest.fixture
def recorded(scratch):
    """Returns the kind and the response of each attempt in the file, in their order."""

    def recorded():
        with closing(sqlite3.connect(scratch / "attempts.sqlite3")) as connection:
            rows = connection.execute("SELECT kind, response FROM attempt ORDER BY rowid")
            return [(kind, json.loads(response)) for kind, response in rows]

    return recorded


def kinds(attempts):
    return [kind for kind, _ in attempts]


def test_cells_that_are_run_before_the_set_up_name_what_is_missing_and_work_after_it(open_tab):
    lesson = open_tab()
    cells = {QUESTION: "ask", REVEAL: "reveal", EXPLORER: "explorers", EXERCISE: "check"}
    for cell, name in cells.items():
        lesson.run_cells(cell)
        output = lesson.output_of(cell)
        expect(output).to_contain_text(f"NameError: name '{name}' is not defined")
        expect(output).not_to_contain_text("course_utils")
    lesson.run_cells(SET_UP, *cells)
    expect(lesson.output_of(QUESTION).get_by_role("radio").first).to_be_attached()
    expect(lesson.output_of(REVEAL)).to_contain_text("Commit to a prediction in the cell above")
    expect(lesson.reading()).to_contain_text("From (0.30, −0.90)")
    expect(lesson.output_of(EXERCISE)).to_contain_text("Not solved yet")
    assert lesson.errors == []
    assert lesson.complaints == []


def test_an_endless_exercise_is_ended_by_an_interrupt_and_the_cells_that_wait_run_on(
    open_tab, recorded
):
    lesson = open_tab()
    lesson.run_cells(SET_UP, QUESTION)
    lesson.write(EXERCISE, ENDLESS)
    lesson.run_cells(EXERCISE, EXPLORER, wait=False)
    status = lesson.answer(QUESTION, 1, "Submit")
    expect(status).to_contain_text(NOT_HEARD)
    output = lesson.output_of(EXERCISE)
    expect(output).to_contain_text("press ■ in the toolbar (Interrupt the kernel)")
    assert lesson.output_of(EXPLORER).text_content() == ""

    lesson.page.get_by_role("button", name="Interrupt the kernel").click()
    expect(output).to_contain_text(
        "Stopped: your function was interrupted in line 2 (while True: pass), before it returned."
    )
    expect(lesson.reading()).to_contain_text("From (0.30, −0.90)")
    expect(status).to_contain_text("Not yet")
    assert lesson.errors == []
    assert sorted(kinds(recorded())) == ["exercise", "question"]

    lesson.write(EXERCISE, CORRECT)
    lesson.run_cells(EXERCISE)
    expect(output).to_contain_text("Solved")
    assert lesson.complaints == []


def test_after_a_restart_nothing_pretends_to_work_and_the_answers_are_there(open_tab, recorded):
    lesson = open_tab()
    lesson.run_cells(SET_UP, EXPLORER, QUESTION, PREDICTION)
    expect(lesson.answer(QUESTION, 1, "Submit")).to_contain_text("Not yet")
    before = recorded()
    lesson.restart_kernel()
    assert lesson.output_of(EXPLORER).locator(".jupyter-widgets-disconnected").count() > 0
    status = lesson.answer(PREDICTION, 0, "Commit")
    expect(status).to_contain_text("run the first code cell of the lesson")
    assert recorded() == before

    lesson.run_cells(SET_UP, EXPLORER, QUESTION, PREDICTION)
    expect(lesson.output_of(QUESTION).get_by_role("radio").nth(1)).to_be_checked()
    expect(lesson.output_of(QUESTION)).to_contain_text("Your earlier answer")
    expect(lesson.answer(PREDICTION, 0, "Commit")).to_contain_text("Noted")
    assert kinds(recorded()) == ["question", "prediction"]
    shown = lesson.reading().text_content()
    lesson.press_on_slider("ArrowRight")
    expect(lesson.reading()).not_to_have_text(shown)
    assert lesson.output_of(EXPLORER).locator(".jupyter-widgets-disconnected").count() == 0


def test_a_notebook_opened_again_without_running_shows_static_readings(open_tab):
    lesson = open_tab()
    lesson.run_cells(SET_UP, EXPLORER, QUESTION, PREDICTION)
    lesson.save()
    lesson.shut_down()
    lesson.reload()
    lesson.scroll_to(EXPLORER)
    expect(lesson.output_of(EXPLORER).locator("img")).to_be_attached()
    for cell in (QUESTION, PREDICTION):
        lesson.scroll_to(cell)
        expect(lesson.output_of(cell)).to_contain_text("(a)")
        expect(lesson.output_of(cell)).to_contain_text("Choose one answer.")
    assert lesson.broken_widgets == 0
    assert lesson.page.locator(".jupyter-widgets").count() == 0
    assert lesson.complaints == []


def test_a_reload_asks_before_it_drops_what_was_typed_and_not_saved(open_tab):
    lesson = open_tab()
    asked = []
    lesson.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    lesson.scroll_to(SET_UP)
    lesson.cell(SET_UP).locator(".cm-content").click()
    lesson.page.keyboard.type("1")
    lesson.reload()
    assert asked == ["beforeunload"]


def test_saving_leaves_the_widgets_alive_and_after_a_reload_a_run_brings_them_back(
    open_tab, recorded
):
    lesson = open_tab()
    lesson.run_cells(SET_UP, EXPLORER, QUESTION)
    lesson.save()
    shown = lesson.reading().text_content()
    lesson.press_on_slider("ArrowRight")
    expect(lesson.reading()).not_to_have_text(shown)
    expect(lesson.answer(QUESTION, 1, "Submit")).to_contain_text("Not yet")
    lesson.reload()
    lesson.scroll_to(EXPLORER)
    expect(lesson.output_of(EXPLORER).locator("img")).to_be_attached()
    assert lesson.broken_widgets == 0
    lesson.run_cells(EXPLORER, QUESTION)  # the kernel runs on, so the set-up is still done
    expect(lesson.reading()).to_have_text(shown)
    question = lesson.output_of(QUESTION)
    expect(question.get_by_role("radio").nth(1)).to_be_checked()
    expect(question.get_by_role("status")).to_contain_text("Your earlier answer")
    assert kinds(recorded()) == ["question"]
    assert lesson.errors == []
    assert lesson.complaints == []


@pytest.mark.parametrize("mode", ["NORMAL", "EXCLUSIVE"], ids=["to write", "even to read"])
def test_answers_given_while_the_store_is_locked_are_saved_once_it_is_free(
    mode, open_tab, scratch, recorded
):
    lesson = open_tab()
    lesson.run_cells(SET_UP, QUESTION, PREDICTION)
    lesson.write(EXERCISE, CORRECT)
    other = sqlite3.connect(scratch / "attempts.sqlite3", isolation_level=None)
    with closing(other):
        other.execute(f"PRAGMA locking_mode = {mode}")
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        status = lesson.answer(QUESTION, 1, "Submit")
        expect(status).to_contain_text("kept for this sitting only")
        assert time.monotonic() - began < LONGEST_WAIT
        expect(status).to_contain_text("Not yet")
        status = lesson.answer(PREDICTION, 0, "Commit")
        expect(status).to_contain_text("kept for this sitting only")
        expect(status).to_contain_text("Noted")
        lesson.run_cells(QUESTION)
        expect(lesson.output_of(QUESTION)).to_contain_text("Your earlier answer")
        assert other.execute("SELECT count(*) FROM attempt").fetchone() == (0,)
        other.execute("ROLLBACK")
    lesson.run_cells(EXERCISE)
    output = lesson.output_of(EXERCISE)
    expect(output).to_contain_text("Solved")
    expect(output).to_contain_text("All your answers are saved now")
    assert kinds(recorded()) == ["question", "prediction", "exercise"]
    assert lesson.errors == []
    assert lesson.complaints == []


def test_two_tabs_on_one_lesson_record_each_answer_once_and_agree_when_run_again(
    open_tab, recorded
):
    tabs = [open_tab(), open_tab()]
    tabs[0].run_cells(SET_UP)
    for tab in tabs:
        tab.run_cells(QUESTION, PREDICTION)
    for option, tab in enumerate(tabs):
        expect(tab.answer(QUESTION, option, "Submit")).to_contain_text("Not yet")
    first, late = (tab.answer(PREDICTION, place, "Commit") for place, tab in enumerate(tabs))
    expect(first).to_contain_text("Noted")
    expect(late).to_contain_text("Your first prediction stays the one that counts")
    assert kinds(recorded()) == ["question", "question", "prediction", "prediction"]
    assert len({response[0] for _, response in recorded()[:2]}) == 2

    for tab in tabs:
        tab.run_cells(QUESTION, PREDICTION, REVEAL)
        expect(tab.output_of(QUESTION)).to_contain_text("Your earlier answer")
        expect(tab.output_of(QUESTION).get_by_role("radio").nth(1)).to_be_checked()
        expect(tab.output_of(PREDICTION)).to_contain_text("Your prediction")
        expect(tab.output_of(PREDICTION).get_by_role("radio").first).to_be_checked()
        expect(tab.output_of(REVEAL)).to_contain_text("The steps keep the same length.")
        assert tab.errors == []
        # JupyterLab's own: each tab hears of the widgets of the other.
        assert [line for line in tab.complaints if "Comm not found" not in line] == []
    assert len(recorded()) == 4
