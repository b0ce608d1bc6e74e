"""Everything the course shows can be used by keyboard, by ear, enlarged, and in a dark theme.

The outputs of a lesson stand in a notebook of their own, without the computations between them.
axe-core looks at them; what it cannot see (keys, focus, what is spoken, overlaps) is tested here.
"""

import base64
import re

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from course_utils.explorers.gradient_descent import descent
from course_utils.explorers.stage import Stage
from course_utils.places import shipped
from tests.browser.lab import Lesson, chromium, jupyterlab, needs_chromium, notebook7

pytestmark = needs_chromium

LESSONS = sorted(path.stem for path in shipped("notebooks").glob("[0-9]*.ipynb"))
IMPORTED = re.compile(r"^from course_utils\.explorers import \w+ as explorers$", re.MULTILINE)
SHOWN = re.compile(r"^(?:explorers\.\w+\(.*\)\.show\(\)|(?:ask|predict)\(.*\))$", re.MULTILINE)
# One of every kind of output, and in them one of every kind of control.
EVERY_KIND = [
    "from course_utils import figures\n"
    "from course_utils.explorers import gradient_descent as explorers\n"
    "from course_utils.quiz import ask, practice, predict",
    "explorers.descent().show()",
    "explorers.noise().show()",
    'ask("gd-step-sign")',
    'ask("gd-one-step-value")',
    'ask("loss-what-shapes")',
    "fig, ax = figures.subplots()\nfigures.show(fig, 'Two axes with nothing in them.')",
    "practice()",
]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# The one exception: JupyterLab gives stored images no alternative text. Captions stand below them.
IMAGES_OF_JUPYTERLAB = ".jp-RenderedImage"
THEMES = ["JupyterLab Dark", "JupyterLab Light"]
CONTROLS = [
    ".widget-dropdown select",
    ".noUi-handle",
    ".widget-readout",
    ".widget-button",
    ".course-stage-handle",
    ".course-stage-button:not([aria-label^=First])",
    ".course-stage-range",
    ".quiz-option input[type=radio]",
    ".quiz-option input[type=checkbox]",
    ".quiz-number input",
    ".quiz-form select",
    ".quiz-cell button",
]
# What JupyterLab takes for shortcuts: cut, copy, paste, undo, insert, delete, change the kind of
# cell, move, merge, run, restart.
KEYS = [*"xcvzabddmyr1jk00", "Shift+M", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home"]
KEYS += ["End", "Delete", "Enter", "Shift+Enter", "Control+Enter", "Alt+Enter", "Space"]

NOTEBOOK = """() => {
  const { content } = window.jupyterapp.shell.currentWidget;
  const cells = content.widgets.map(({ model }) => [model.type, model.sharedModel.getSource(),
    model.executionCount ?? null]);
  return JSON.stringify([cells, content.activeCellIndex, content.mode,
    document.querySelectorAll('.jp-Dialog').length]);
}"""

TAB_STOPS = """(root) => {
  const seen = new Set();
  return [...root.querySelectorAll('a[href], button, input, select, [tabindex], [contenteditable]')]
    .filter((element) => {
      if (element.disabled || !element.checkVisibility()) return false;
      if (element.tabIndex < 0 && !element.isContentEditable) return false;
      if (element.type !== 'radio') return true;
      const group = [...root.querySelectorAll(`[name="${element.name}"]`)];
      return element === (group.find((radio) => radio.checked) ?? group[0]);
    });
}"""

# The width of the outline of what has the focus, and its contrast with what it lies on.
OUTLINE = """() => {
  const element = document.activeElement;
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => channels(color).slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0.05);
  let below = (element.closest('.widget-slider') ?? element).parentElement;
  const paper = (e) => getComputedStyle(e).backgroundColor;
  while (below.parentElement && channels(paper(below))[3] === 0) below = below.parentElement;
  const style = getComputedStyle(element);
  const [one, other] = [light(style.outlineColor), light(paper(below))];
  const width = style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth);
  return [width, Math.max(one, other) / Math.min(one, other)];
}"""

# A screen reader has been told what the explorer shows, and finds it at the picture too.
TOLD = """(explorer) => {
  const shown = explorer.querySelector('.course-stage-reading');
  return explorer.querySelector('[role=status]').textContent === shown.textContent
    && explorer.querySelector('canvas').getAttribute('aria-describedby') === shown.id
    && document.getElementById(shown.id) === shown;
}"""

# What lies over something else, sticks out at the side, or holds more text than it shows.
CRAMPED = """(root) => {
  const parts = [...root.querySelectorAll(`.widget-label, .widget-readout, .slider-container,
    select, button:not(.course-stage-handle), input, .course-stage-picture, .course-stage-legend li,
    .course-stage-count, .course-stage-reading, legend, .quiz-stem, .quiz-text, .quiz-how, pre,
    .quiz-status, .quiz-number, .quiz-lists span, .quiz-about`)]
    .filter((part) => part.checkVisibility() && part.getBoundingClientRect().height > 0);
  const name = (part) => `${part.tagName}.${part.className} "${part.innerText ?? ''}"`;
  const right = root.getBoundingClientRect().right;
  const boxes = parts.map((part) => part.getBoundingClientRect());
  const pen = document.createElement('canvas').getContext('2d');
  const faults = [];
  parts.forEach((part, i) => {
    if (boxes[i].right > right + 1) faults.push(`sticks out: ${name(part)}`);
    const clips = getComputedStyle(part).overflowX !== 'visible';
    if (clips && part.scrollWidth > part.clientWidth + 1) faults.push(`cut: ${name(part)}`);
    if (part.tagName === 'BUTTON' && part.scrollHeight > part.clientHeight + 1)
      faults.push(`cut: ${name(part)}`);
    if (part.tagName === 'SELECT') {
      pen.font = getComputedStyle(part).font;
      const wide = pen.measureText(part.selectedOptions[0].text).width;
      if (wide > part.clientWidth - 4) faults.push(`cut: ${name(part)}`);
    }
    for (let j = 0; j < i; j += 1) {
      if (part.contains(parts[j]) || parts[j].contains(part)) continue;
      const across = Math.min(boxes[i].right, boxes[j].right) - Math.max(boxes[i].x, boxes[j].x);
      const down = Math.min(boxes[i].bottom, boxes[j].bottom) - Math.max(boxes[i].y, boxes[j].y);
      if (across > 1 && down > 1) faults.push(`${name(part)} lies over ${name(parts[j])}`);
    }
  });
  return faults;
}"""

TWICE_THE_TEXT = """(size) => {
  for (const name of ['content-font-size1', 'ui-font-size1', 'code-font-size'])
    document.documentElement.style.setProperty(`--jp-${name}`, size);
}"""


# ---- The outputs of the lessons in JupyterLab ---------------------------------------------------


def outputs_of(stem):
    """The cells of a lesson that show an explorer or ask a question."""
    book = nbformat.read(shipped("notebooks") / f"{stem}.ipynb", 4)
    code = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    start = f"{IMPORTED.search(code)[0]}\nfrom course_utils.quiz import ask, predict"
    return [start, *SHOWN.findall(code)]


class Gallery(Lesson):
    """A notebook of outputs in the browser."""

    def __init__(self, page, address, name, **where):
        super().__init__(page, address, name, **where)
        self.run_all()

    @property
    def outputs(self):
        return self.page.locator(".jp-Notebook .jp-Cell-outputArea").filter(visible=True).all()

    @property
    def explorers(self):
        return self.page.locator(".jp-Notebook .course-explorer").all()

    @property
    def controls(self):
        """The first control of each kind."""
        found = [self.page.locator(f".jp-Cell-outputArea {control}") for control in CONTROLS]
        found = [control.filter(visible=True) for control in found]
        return [control.first for control in found if control.count()]

    def wear(self, theme):
        command = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
        self.page.evaluate(command, theme)
        loaded = "theme => document.body.dataset.jpThemeName === theme"
        self.page.wait_for_function(loaded, arg=theme)

    def faults(self):
        """What axe-core finds in the outputs, one line for each element."""
        self.page.evaluate(Axe().axe_script)
        found = self.page.evaluate(
            "([exclude, tags]) => axe.run({ include: ['.jp-Cell-outputArea'], exclude }, "
            "{ runOnly: tags })",
            [[IMAGES_OF_JUPYTERLAB], WCAG],
        )
        passed = {rule["id"] for rule in found["passes"]}
        assert "color-contrast" in passed  # it has looked at our outputs
        doubts = [rule for rule in found["incomplete"] if rule["id"] == "duplicate-id-aria"]
        rules = [*found["violations"], *doubts]
        return [f"{rule['id']}: {node['html']}" for rule in rules for node in rule["nodes"]]


def write(folder, name, sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / name)


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    """A function that opens a notebook of these outputs in JupyterLab."""
    scratch = tmp_path_factory.mktemp("access")
    folder = scratch / "my_course"
    folder.mkdir()
    with jupyterlab(folder, scratch) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})

        def open_gallery(sources):
            write(folder, "gallery.ipynb", sources)
            return Gallery(page, address, "gallery.ipynb")

        yield open_gallery


@pytest.fixture(
    scope="module",
    params=["every kind", *(pytest.param(stem, marks=pytest.mark.long) for stem in LESSONS)],
)
def gallery(request, opened):
    sources = EVERY_KIND if request.param == "every kind" else outputs_of(request.param)
    gallery = opened(sources)
    yield gallery
    gallery.shut_down()


def test_every_output_is_there(gallery):
    assert gallery.errors == []
    assert gallery.broken_widgets == 0
    assert len(gallery.outputs) >= 5


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_no_fault(gallery, theme):
    gallery.wear(theme)
    assert gallery.faults() == []


def test_a_slider_says_its_name_and_the_value_it_shows(gallery):
    for slider in gallery.page.locator(".widget-slider").all():
        handle, number = slider.locator(".noUi-handle"), slider.locator(".widget-readout")
        name = slider.locator(".widget-label").text_content()
        for key in ["Home", "ArrowRight"]:
            handle.press(key)
            expect(handle).to_have_accessible_name(name)
            expect(handle).to_have_attribute("aria-valuetext", number.text_content())
        expect(number).to_have_accessible_name(f"{name}, typed")
    gallery.wait_until_idle()


def test_what_an_explorer_shows_is_told_to_a_screen_reader(gallery):
    changed = []
    for explorer in gallery.explorers:
        told = explorer.get_by_role("status")
        expect(told).to_have_attribute("aria-live", "polite")
        expect(told).not_to_be_empty()
        before = told.text_content()
        for slider in explorer.locator(".noUi-handle").all():
            slider.press("End")
        gallery.wait_until_idle()
        gallery.page.wait_for_function(TOLD, arg=explorer.element_handle())
        changed.append(told.text_content() != before)
    assert any(changed)


def test_tab_reaches_all_in_an_output_and_leaves_it(gallery):
    keyboard = gallery.page.keyboard
    for output in gallery.outputs:
        stops = output.evaluate_handle(TAB_STOPS)
        count = stops.evaluate("stops => stops.length")
        if count == 0:
            continue
        stops.evaluate("stops => stops[0].focus()")
        for place in range(count):
            for key in ["Shift", "Escape"]:  # neither moves the focus
                assert stops.evaluate("all => all.indexOf(document.activeElement)") == place
                keyboard.press(key)
            width, contrast = gallery.page.evaluate(OUTLINE)
            assert width >= 2, stops.evaluate("(all, at) => all[at].outerHTML", place)
            assert contrast >= 3, stops.evaluate("(all, at) => all[at].outerHTML", place)
            keyboard.press("Tab")
        assert output.evaluate("output => !output.contains(document.activeElement)")


def test_focus_is_visible_in_the_dark_theme_too(gallery):
    gallery.wear("JupyterLab Dark")
    gallery.page.keyboard.press(
        "Shift"
    )  # after a key the browser shows the focus that a call gives
    for control in gallery.controls:
        control.focus()
        width, contrast = gallery.page.evaluate(OUTLINE)
        assert width >= 2, control
        assert contrast >= 3, control


@pytest.mark.parametrize(
    "enlarge", ["zoom", "text"], ids=["by a zoom of 200 %", "by letters of twice the size"]
)
def test_enlarged_nothing_overlaps_or_is_cut(gallery, enlarge):
    page = gallery.page
    page.set_viewport_size({"width": 640 if enlarge == "zoom" else 1280, "height": 1000})
    page.evaluate(TWICE_THE_TEXT, "28px" if enlarge == "text" else "")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    faults = [fault for output in gallery.outputs for fault in output.evaluate(CRAMPED)]
    page.evaluate(TWICE_THE_TEXT, "")
    page.set_viewport_size({"width": 1280, "height": 1000})
    assert faults == [], "\n".join(faults)


def test_a_caption_stands_below_each_picture(gallery):
    pictures = gallery.page.locator(f".jp-OutputArea-child:has({IMAGES_OF_JUPYTERLAB})")
    for picture in pictures.all():
        caption = picture.locator("+ .jp-OutputArea-child .jp-RenderedMarkdown em")
        expect(caption).not_to_be_empty()


def press_all_keys(gallery):
    """Press them in each control that is there; return how many these are."""
    found = gallery.controls
    for control in found:
        control.focus()
        before = gallery.page.evaluate(NOTEBOOK)
        for key in KEYS:
            gallery.page.keyboard.press(key)
        gallery.page.keyboard.press("Escape")  # a list that Space has opened
        gallery.wait_until_idle()
        assert gallery.page.evaluate(NOTEBOOK) == before, control
    return len(found)


def test_no_control_leaves_its_keys_to_jupyterlab(gallery):
    assert press_all_keys(gallery) >= 6


def test_nothing_complained_to_the_end(gallery):
    clear = "() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')"
    gallery.page.evaluate(clear)
    expect(gallery.page.locator(".course-explorer")).to_have_count(0)
    assert gallery.outside == []
    assert gallery.complaints == []


@pytest.mark.long
def test_no_control_leaves_its_keys_to_notebook_7(browser, tmp_path):
    folder = tmp_path / "my_course"
    with notebook7(folder, tmp_path) as address:
        write(folder, "gallery.ipynb", EVERY_KIND)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        gallery = Gallery(page, address, "gallery.ipynb", app="notebooks")
        assert press_all_keys(gallery) == len(CONTROLS)


# ---- A stage by itself, in a page without a kernel ----------------------------------------------

STAGE = """async ([code, scene, points]) => {
  const address = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  const { default: { render } } = await import(address);
  const bytes = Uint8Array.from(atob(points), (letter) => letter.charCodeAt(0));
  const state = { _scene: { ...scene, points: new DataView(bytes.buffer) }, _moves: {},
    _background: new DataView(new ArrayBuffer(0)), _name: 'A picture' };
  let changed;
  render({ el: document.querySelector('#stage'), model: {
    get: (name) => state[name], on: (_, call) => (changed = call), off: () => {},
    set: () => {}, save_changes: () => {} } });
  window.say = (reading) => {
    state._scene = { ...state._scene, reading };
    changed();
  };
}"""


@pytest.fixture
def stage(browser):
    """A page with nothing but a stage of 50 steps; its clock stands still until it is told."""
    stage = descent().stage
    scene = {name: value for name, value in stage._scene.items() if name != "points"}
    points = base64.b64encode(stage._scene["points"]).decode()
    with browser.new_page() as page:
        page.clock.install(time=0)
        page.clock.pause_at(3600)  # seconds; an installed clock goes on by itself until then
        page.set_content('<body style="width: 800px"><div id="stage"></div>')
        page.add_style_tag(content=str(Stage._css))
        page.evaluate(STAGE, [str(Stage._esm), scene, points])
        yield page


def test_while_a_slider_moves_the_reading_is_spoken_once_when_it_rests(stage):
    told, shown = stage.get_by_role("status"), stage.locator(".course-stage-reading")
    stage.clock.run_for(1)
    first = told.text_content()
    assert first == shown.text_content()
    for picture in range(20):
        stage.evaluate("reading => window.say(reading)", f"Picture {picture}.")
        stage.clock.run_for(100)
        assert shown.text_content() == f"Picture {picture}."
        assert told.text_content() == first
    stage.clock.run_for(1000)
    assert told.text_content() == "Picture 19."


@pytest.mark.parametrize(
    ("motion", "pictures"), [("no-preference", range(25, 52)), ("reduce", range(5, 12))]
)
def test_the_player_jumps_for_who_wants_less_motion(stage, motion, pictures):
    stage.emulate_media(reduced_motion=motion)
    step = stage.get_by_role("slider", name="Step", exact=True)
    stage.clock.run_for(3000)
    assert step.input_value() == "50"  # nothing plays by itself
    stage.get_by_role("button", name="Play").click()
    seen = set()
    for _ in range(100):
        stage.clock.run_for(60)
        seen.add(step.input_value())
    assert step.input_value() == "50"
    assert len(seen) in pictures


def test_the_card_stays_white_where_the_system_forces_its_colours(stage):
    stage.emulate_media(forced_colors="active")
    card = stage.locator(".course-stage-card")
    expect(card).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(card).to_have_css("color", "rgb(34, 34, 34)")
