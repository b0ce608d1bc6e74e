"""Lesson 02 as a learner uses it; the tests share one page and run in this order."""

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lesson, chromium, connections, in_sight, jupyterlab, needs_chromium

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("lesson")


@pytest.fixture(scope="module")
def lesson(scratch):
    with jupyterlab(scratch / "my_course", scratch) as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        yield Lesson(page, address, "02_gradient_descent.ipynb")


def reading(explorer):
    return explorer.locator(".course-stage-reading").first


def test_every_cell_runs_and_every_widget_draws(lesson):
    assert lesson.page.locator(".jp-OutputArea-output").count() == 0
    lesson.run_all()
    assert lesson.errors == []
    assert lesson.broken_widgets == 0
    assert lesson.page.locator(".course-stage-handle").count() == 4


def test_dragging_the_start_changes_the_path(lesson):
    explorer = lesson.output_of("explorers.descent()")
    handle = explorer.get_by_role("slider", name="start,")
    expect(reading(explorer)).to_contain_text("From (0.30, −0.90)")
    box = in_sight(handle)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lesson.page.mouse.down()
    lesson.page.mouse.move(x - 60, y - 40, steps=5)
    lesson.page.mouse.up()
    expect(reading(explorer)).to_contain_text("it reaches the minimum at (−2.81, 3.13)")
    assert handle.bounding_box()["x"] == pytest.approx(box["x"] - 60, abs=2)


def test_the_start_moves_by_arrow_keys(lesson):
    explorer = lesson.output_of("explorers.descent()")
    handle = explorer.get_by_role("slider", name="start,")
    handle.focus()
    before = handle.get_attribute("aria-valuetext")
    picture = reading(explorer).text_content()
    for _ in range(8):
        lesson.page.keyboard.press("Shift+ArrowRight")
    expect(reading(explorer)).not_to_have_text(picture)
    assert handle.get_attribute("aria-valuetext") != before


def test_a_slider_moves_by_keyboard(lesson):
    explorer = lesson.output_of("explorers.descent()")
    rate = explorer.get_by_role("slider").first
    before = reading(explorer).text_content()
    rate.focus()
    lesson.page.keyboard.press("ArrowRight")
    expect(reading(explorer)).not_to_have_text(before)
    expect(reading(explorer)).to_contain_text("learning rate 0.011")


def test_the_picture_plays_step_by_step(lesson):
    explorer = lesson.output_of("explorers.descent()")
    steps = explorer.get_by_role("slider", name="Step", exact=True)
    expect(steps).to_have_value("50")
    explorer.get_by_role("button", name="First step").click()
    expect(steps).to_have_value("0")
    explorer.get_by_role("button", name="Step forward").click()
    expect(steps).to_have_value("1")


def test_a_question_is_answered_by_keyboard_alone(lesson):
    question = lesson.output_of('ask("gd-step-sign")')
    radios = question.get_by_role("radio")
    radios.first.scroll_into_view_if_needed()
    expect(question.get_by_role("status")).to_have_text("")
    radios.first.focus()
    lesson.page.keyboard.press("Space")
    for _ in range(3):  # the arrow keys belong to the question, not to the notebook
        lesson.page.keyboard.press("ArrowDown")
    expect(radios.nth(3)).to_be_checked()
    lesson.page.keyboard.press("Tab")
    lesson.page.keyboard.press("Enter")
    expect(question.get_by_role("status")).not_to_have_text("")


def test_a_prediction_is_kept_and_revealed(lesson):
    prediction = lesson.output_of('predict("gd-predict-steep-step")')
    prediction.get_by_text("The steps get longer.").click()
    prediction.get_by_role("button", name="Commit").click()
    expect(prediction.get_by_role("status")).to_contain_text("Noted")


def test_after_a_restart_the_answers_are_shown_again(lesson):
    feedback = lesson.output_of('ask("gd-step-sign")').get_by_role("status").text_content()
    lesson.restart_kernel()
    lesson.run_all()
    assert lesson.errors == []
    question = lesson.output_of('ask("gd-step-sign")')
    expect(question.get_by_role("radio").nth(3)).to_be_checked()
    expect(question.get_by_role("status")).to_contain_text(feedback)
    revealed = lesson.output_of('reveal("gd-predict-steep-step")')
    expect(revealed).to_contain_text("The steps get longer.")


def test_nothing_left_this_machine_and_nothing_complained(lesson, scratch):
    assert lesson.outside == []
    assert connections(scratch) == []
    assert lesson.complaints == []
