"""Every lesson as a learner uses it: its explorers, questions and an exercise, right and wrong.

What a control does at each of its settings, and what each question and each check says, is tested
without a browser. Here is what only a browser shows: that keys, mouse and kernel come together.
"""

import ast
import importlib
import inspect
import json
import re
import sqlite3
from contextlib import closing
from functools import cached_property

import numpy as np
import pytest
from playwright.sync_api import expect

from course_utils.exercises import EXERCISES
from course_utils.places import shipped
from course_utils.quiz.assessment import final_questions
from course_utils.quiz.bank import find_bank, find_question
from course_utils.quiz.grading import draw
from tests.browser.lab import (
    Lesson,
    chromium,
    connections,
    in_sight,
    jupyterlab,
    needs_chromium,
    notebook7,
)
from tests.explorers.every import is_slider, picture, settings

pytestmark = [needs_chromium, pytest.mark.long]

# A lesson begins with its number. Of all lessons, 05 holds most kinds of controls and handles.
LESSONS = sorted(path.stem for path in shipped("notebooks").glob("[0-9]*.ipynb"))
IN_NOTEBOOK_7 = "05_rmsprop_and_adam"

# What a reader must not meet: an object instead of what it says.
REPR = re.compile(
    r"<[\w.]+ (?:object )?at 0x|<(?:Figure|Axes|function|class|module|bound method)\b"
    r"|\[<|\b(?:Text|Line2D|\w*Axes\w*|\w*Box|\w*Slider|Dropdown|Button)\("
)
VALUE = re.compile(r"^(?:array\(|np\.|None$)")  # fine where a lesson prints it, not at a cell's end
CLOSE = 2  # CSS pixels
SHIFTED = 0.05  # of the axes: how far an arrow key moves a point with Shift
MOST_PRESSES = 4  # until a point that rests only in some places is at the next of them


class Opened(Lesson):
    """A lesson in the browser, and what its notebook says that it holds."""

    def __init__(self, page, address, stem, scratch, **where):
        self.stem, self.scratch = stem, scratch
        super().__init__(page, address, f"{stem}.ipynb", **where)
        notebook = json.loads((shipped("notebooks") / f"{stem}.ipynb").read_text("utf-8"))
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        self.code = "\n".join("".join(cell["source"]) for cell in cells)

    def ids(self, call):
        """The ids in the calls of a function, as `ask("gd-step-sign")`, in their order."""
        return re.findall(rf'^{call}\("([\w-]+)"', self.code, re.MULTILINE)

    @cached_property
    def explorers(self):
        """Each explorer in the browser with its twin: the same one in this process.

        A test does to the twin what it does in the browser, so that the next one finds them alike.
        """
        (module,) = set(re.findall(r"from course_utils.explorers import (\w+) as", self.code))
        module = importlib.import_module(f"course_utils.explorers.{module}")
        calls = re.findall(r"^explorers\.\w+\(.*?\)(?=\.show\(\))", self.code, re.MULTILINE)
        pairs = []
        for call in calls:
            shown = ast.parse(call, mode="eval").body
            arguments = [ast.literal_eval(argument) for argument in shown.args]
            twin = getattr(module, shown.func.attr)(*arguments)
            pairs.append((self.output_of(f"{call}.show()"), twin))
        return pairs

    def questions(self):
        """Yield each question that counts, with its cell in the browser."""
        for question in self.ids("ask"):
            yield find_question(question), self.output_of(f'ask("{question}")')
        for lesson in self.ids("assess"):
            cells = self.output_of(f'assess("{lesson}")').locator(".quiz-cell")
            for number, question in enumerate(final_questions(find_bank(self.stem), lesson)):
                yield question, cells.nth(number)

    def recorded(self, item):
        """The score and the named mistake of each stored attempt at an item."""
        with closing(sqlite3.connect(self.scratch / "attempts.sqlite3")) as connection:
            asked = "SELECT score, mistake FROM attempt WHERE item = ? ORDER BY rowid"
            return connection.execute(asked, [item]).fetchall()


@pytest.fixture(
    scope="module",
    params=[*((stem, "JupyterLab") for stem in LESSONS), (IN_NOTEBOOK_7, "Notebook 7")],
    ids=lambda param: f"{param[0]} in {param[1]}",
)
def lesson(request, tmp_path_factory):
    stem, app = request.param
    scratch = tmp_path_factory.mktemp("lesson")
    server = {"JupyterLab": jupyterlab, "Notebook 7": notebook7}[app]
    with server(scratch / "my_course", scratch) as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        where = {} if app == "JupyterLab" else {"app": "notebooks"}
        yield Opened(page, address, stem, scratch, **where)


def reading(explorer):
    return explorer.locator(".course-stage-reading")


def handles(explorer, twin):
    """Yield each point to drag in the browser, with what the browser was told about it."""
    layers = [layer for layer in twin.stage._scene["layers"] if layer["kind"] == "handle"]
    for number, layer in enumerate(layers):
        yield explorer.locator(".course-stage-handle").nth(number), layer


def layer_of(twin, key):
    (layer,) = [layer for layer in twin.stage._scene["layers"] if layer["key"] == key]
    return layer


def place(twin, key):
    """Where a twin has a handle, in CSS pixels from the corner of the picture."""
    start = layer_of(twin, key)["start"]
    points = np.frombuffer(twin.stage._scene["points"], np.float32)
    return points[start : start + 2].astype(float)


def move(twin, key, x, y):
    """Move a handle of a twin as the browser does."""
    serial = twin.stage._answered + 1
    twin.stage._moves = {**twin.stage._moves, key: (serial, float(x), float(y))}


def expect_alike(explorer, twin, button, key):
    """Wait until the browser says what the twin says, and has the handle where the twin has it."""
    expect(reading(explorer)).to_have_text(twin.stage.reading)
    expect(button).to_have_attribute("aria-valuetext", layer_of(twin, key)["position"])
    button.page.wait_for_function(
        """([button, [x, y], close]) => {
          const frame = button.parentElement.getBoundingClientRect();
          const box = button.getBoundingClientRect();
          const left = box.left + box.width / 2 - frame.left;
          const top = box.top + box.height / 2 - frame.top;
          return Math.abs(left - x) < close && Math.abs(top - y) < close;
        }""",
        arg=[button.element_handle(), place(twin, key).tolist(), CLOSE],
    )


def answers(question):
    """What a learner would give: a wrong answer, its named mistake, and the right answer.

    An answer is a number or the places of options on the screen.
    """
    drawn = draw(question)
    if question.type == "numeric":
        named = question.mistakes[0].name if question.mistakes else None
        wrong = drawn.variant.mistakes[named] if named else 2 * drawn.variant.key + 1
        return repr(float(wrong)), named, repr(float(drawn.variant.key))
    right = [i for i, place in enumerate(drawn.order) if question.options[place].correct]
    wrong = [i for i in range(len(drawn.order)) if i not in right]
    return wrong[:1], None, right


def give(cell, answer, button="Submit"):
    if isinstance(answer, str):
        cell.get_by_role("textbox").fill(answer)
    else:
        options = cell.locator(".quiz-option input")
        for number in range(options.count()):
            if number in answer or options.nth(number).get_attribute("type") == "checkbox":
                options.nth(number).set_checked(number in answer)
    cell.get_by_role("button", name=button).click()


def test_every_cell_runs_and_every_widget_draws(lesson):
    assert lesson.page.locator(".jp-OutputArea-output").count() == 0
    lesson.run_all()
    assert lesson.errors == []
    assert lesson.broken_widgets == 0
    assert lesson.page.locator(".course-explorer").count() == len(lesson.explorers)
    for explorer, twin in lesson.explorers:
        expect(reading(explorer)).to_have_text(twin.stage.reading)
    for _, question in lesson.questions():
        expect(question).to_be_visible()


def test_no_output_reads_as_a_repr(lesson):
    outputs = lesson.page.locator(".jp-OutputArea-output")
    results = lesson.page.locator(".jp-OutputArea-executeResult .jp-OutputArea-output")
    assert outputs.count() > 0
    assert [text for text in outputs.all_inner_texts() if REPR.search(text)] == []
    assert [text for text in results.all_inner_texts() if VALUE.search(text)] == []


def test_every_point_is_dragged_and_rests_where_it_was_dropped(lesson):
    for explorer, twin in lesson.explorers:
        drawn = list(handles(explorer, twin))
        # The last one lies on top, and each comes to lie beside the others.
        for number, (button, handle) in reversed(list(enumerate(drawn))):
            key, box = handle["key"], handle["box"]
            before, home = picture(twin), place(twin, key)
            share = 0.3 + 0.5 * number / len(drawn)
            goal = (
                box["left"] + share * (box["right"] - box["left"]),
                0.57 * box["top"] + 0.43 * box["bottom"],
            )
            across, down = (round(to - at) for to, at in zip(goal, home, strict=True))
            frame = in_sight(button)
            x = round(frame["x"] + frame["width"] / 2)
            y = round(frame["y"] + frame["height"] / 2)
            lesson.page.mouse.move(x, y)
            lesson.page.mouse.down()
            lesson.page.mouse.move(x + across, y + down, steps=5)
            lesson.page.mouse.up()
            move(twin, key, *(home + np.array([across, down])))
            assert picture(twin) != before, key
            expect_alike(explorer, twin, button, key)


def test_every_point_moves_by_an_arrow_key(lesson):
    for explorer, twin in lesson.explorers:
        for button, handle in handles(explorer, twin):
            key, box = handle["key"], handle["box"]
            before, home = picture(twin), place(twin, key)
            upright = handle["along"] == "y"
            up = [0, SHIFTED * (box["top"] - box["bottom"])]
            right = [SHIFTED * (box["right"] - box["left"]), 0]
            step = np.array(up if upright else right)
            for presses in range(1, 1 + MOST_PRESSES):
                button.press("Shift+ArrowUp" if upright else "Shift+ArrowRight")
                move(twin, key, *(home + presses * step))
                if picture(twin) != before:
                    break
            assert picture(twin) != before, key
            expect_alike(explorer, twin, button, key)
            expect(button).to_be_focused()


def test_a_slider_of_every_explorer_reaches_both_ends_by_keyboard(lesson):
    for explorer, twin in lesson.explorers:
        slider = next(filter(is_slider, twin.controls), None)
        if slider is None:
            continue
        knob, seen = explorer.locator(".noUi-handle").first, {twin.stage.reading}
        for key, end in (("Home", 0), ("End", -1)):
            knob.press(key)
            slider.value = settings(slider)[end]
            expect(reading(explorer)).to_have_text(twin.stage.reading)
            seen.add(twin.stage.reading)
        assert len(seen) > 1, slider.description


def test_a_question_of_each_type_is_answered_wrong_and_then_right(lesson):
    first = {}
    for question, cell in lesson.questions():
        first.setdefault(question.type, (question, cell))
    for question, cell in first.values():
        wrong, mistake, right = answers(question)
        give(cell, wrong)
        expect(cell.get_by_role("status")).to_contain_text("Not yet")
        give(cell, right)
        expect(cell.get_by_role("status")).to_contain_text("Correct")
        (wrong_score, named), (right_score, none) = lesson.recorded(question.id)
        assert wrong_score < 1 == right_score
        assert (named, none) == (mistake, None)


def test_a_prediction_is_kept_until_it_is_revealed(lesson):
    if not lesson.ids("predict"):
        pytest.skip("this lesson asks for no prediction")
    question = lesson.ids("predict")[0]
    cell = lesson.output_of(f'predict("{question}")')
    give(cell, answers(find_question(question))[0], button="Commit")
    expect(cell.get_by_role("status")).to_contain_text("Noted")
    lesson.run(lesson.cell(f'reveal("{question}")'))
    expect(lesson.output_of(f'reveal("{question}")')).to_contain_text("You predicted:")


def test_an_exercise_is_tried_wrong_and_then_solved(lesson):
    if not lesson.ids("check"):
        pytest.skip("this lesson has no exercise")
    exercise = EXERCISES[lesson.ids("check")[0]]
    call = f'check("{exercise.id}", '
    cell, verdict = lesson.cell(call), lesson.output_of(call)
    expect(verdict).to_contain_text("Not solved yet")
    mistake = exercise.mistakes[0]
    wrong = f'EXERCISES["{exercise.id}"].mistakes[0].implementation'
    lesson.rewrite(cell, f"from course_utils.exercises import EXERCISES\n\n{call}{wrong})")
    expect(verdict).to_contain_text(f"Not right yet: {mistake.name.replace('-', ' ')}")
    solution = inspect.getsource(exercise.reference)
    lesson.rewrite(cell, f"{solution}\n\n{call}{exercise.reference.__name__})")
    expect(verdict).to_contain_text("Solved:")
    assert lesson.recorded(exercise.id) == [(0, mistake.name), (1, None)]


def test_nothing_left_this_machine_and_nothing_complained(lesson):
    lesson.shut_down()
    assert lesson.outside == []
    assert connections(lesson.scratch) == []
    assert lesson.complaints == []
