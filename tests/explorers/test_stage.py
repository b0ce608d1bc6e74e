"""The stage sends the right pixels in one message, takes drags and has a static picture."""

import base64
import json

import ipywidgets
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure

from course_utils.explorers.explorer import Explorer
from course_utils.explorers.stage import Stage

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def figure():
    """A picture of 800 x 400 CSS pixels with a linear axes on its left and a log one right.

    Across they go from 80 to 400 and from 480 to 720, down from 80 to 320 counted from the top.
    Without ticks a test draws it in a third of the time.
    """
    figure = Figure(figsize=(8, 4), dpi=100)
    bare = {"xticks": [], "yticks": []}
    figure.add_axes((0.1, 0.2, 0.4, 0.6), xlim=(0, 10), ylim=(-1, 1), **bare)
    log = figure.add_axes((0.6, 0.2, 0.3, 0.6), yscale="log", xlim=(0, 1), ylim=(1, 100), **bare)
    log.minorticks_off()
    return figure


@pytest.fixture
def linear(figure):
    return figure.axes[0]


@pytest.fixture
def log(figure):
    return figure.axes[1]


@pytest.fixture
def stage(figure):
    stage = Stage(figure, name="Two axes")
    stage.say("Nothing yet.")
    return stage


@pytest.fixture
def messages(stage, monkeypatch):
    """The names of the traits that go to the browser from here on, message by message."""
    messages = []

    def send(message, buffers=None):
        if message["method"] == "update":
            in_buffers = {path[0] for path in message["buffer_paths"]}
            messages.append({*message["state"], *in_buffers})

    monkeypatch.setattr(stage, "_send", send)
    return messages


def sent(stage, key):
    return next(layer for layer in stage._scene["layers"] if layer["key"] == key)


def pixels(stage, key, count):
    points = np.frombuffer(stage._scene["points"], dtype=np.float32)
    start = sent(stage, key)["start"]
    return points[start : start + 2 * count].reshape(count, 2)


def drag(stage, key, left, top, serial=1):
    stage.set_state({"_moves": {key: [serial, left, top]}})


def draw_handle(stage, ax, on_drag, **options):
    stage.handle("start", ax, 5, 0, color="k", name="Start", on_drag=on_drag, **options)


def draw_line(stage, ax, y=(-1, 1), label="a line", **options):
    stage.curve("line", ax, [0, 10], y, color="C0", label=label, **options)


class TestPixels:
    def test_a_point_is_sent_in_pixels_from_the_top_left(self, stage, linear):
        stage.curve("line", linear, [0, 5, 10], [-1, 0, 0.5], color="C0")
        np.testing.assert_allclose(
            pixels(stage, "line", 3), [[80, 320], [240, 200], [400, 140]], atol=1e-3
        )

    def test_a_point_on_a_log_axis_is_sent_where_its_logarithm_lies(self, stage, log):
        stage.curve("line", log, [0, 0.5, 1], [1, 10, 100], color="C0")
        np.testing.assert_allclose(
            pixels(stage, "line", 3), [[480, 320], [600, 200], [720, 80]], atol=1e-3
        )

    def test_points_are_where_matplotlib_drew_the_axes_after_laying_them_out(self):
        figure = Figure(figsize=(6, 4), layout="constrained")
        ax = figure.subplots()
        ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="x", ylabel="y", aspect="equal")
        stage = Stage(figure, name="An axes that the layout moves")
        stage.curve("corner", ax, [0], [0], color="C0")
        left, bottom = ax.get_position().p0 * figure.bbox.size
        assert left > 50
        np.testing.assert_allclose(pixels(stage, "corner", 1), [[left, 400 - bottom]], atol=1e-3)

    def test_new_limits_move_the_points_once_the_background_has_changed(self, stage, linear):
        stage.curve("line", linear, [5], [0], color="C0")
        linear.set_xlim(5, 15)
        stage.background_changed()
        np.testing.assert_allclose(pixels(stage, "line", 1), [[80, 200]], atol=1e-3)

    def test_layers_stand_one_after_another_in_the_buffer(self, stage, linear, log):
        stage.curve("runs", linear, [0, 10], [[-1, -1], [0, 0], [1, 1]], color="C0")
        stage.dots("dots", log, [0, 1], [1, 100], color="C1")
        assert (sent(stage, "runs")["runs"], sent(stage, "runs")["count"]) == (3, 2)
        np.testing.assert_allclose(pixels(stage, "runs", 6)[:, 1], [320, 320, 200, 200, 80, 80])
        np.testing.assert_allclose(pixels(stage, "dots", 2), [[480, 320], [720, 80]])

    @pytest.mark.parametrize("far", [np.inf, -np.inf, np.nan, 1e300, -1e308, 1e38])
    def test_a_point_without_a_pixel_breaks_the_line_without_a_warning(self, stage, linear, far):
        stage.curve("line", linear, [0, far, 10, 5], [0, 0, far, 1], color="C0", marker="circle")
        stage.dots("dots", linear, [far, 5], [0, 0], color="C0")
        stage.text("text", linear, far, 0, "far away")
        stage.handle("point", linear, 0, far, color="C0", name="Point", on_drag=print)
        there = np.isfinite(pixels(stage, "line", 4))
        np.testing.assert_array_equal(there, [[True] * 2, [False] * 2, [False] * 2, [True] * 2])
        assert stage.to_png().startswith(PNG)

    @pytest.mark.parametrize("value", [0.0, -1.0, -np.inf, 1e300])
    def test_a_value_that_a_log_axis_cannot_show_gives_no_warning(self, stage, log, value):
        stage.curve("loss", log, [0, 0.5, 1], [10, value, 10], color="C0")
        np.testing.assert_allclose(pixels(stage, "loss", 3)[[0, 2], 1], 200, atol=1e-3)
        assert stage.to_png().startswith(PNG)

    def test_what_is_sent_beside_the_points_is_plain_json(self, stage, linear):
        stage.curve("line", linear, [np.nan, 1], [0, 1], color=(0, 0, 1), marker="square")
        stage.dots("dots", linear, [0, 1], [0, 1], color=["C0", "C1"], groups=[0, 1])
        stage.handle("point", linear, np.nan, 0, color="C0", name="Point", on_drag=print)
        stage.text("text", linear, 1, 0, "here")
        scene = {key: value for key, value in stage._scene.items() if key != "points"}
        assert json.loads(json.dumps(scene, allow_nan=False))["reading"] == "Nothing yet."


class TestLayers:
    def test_a_key_drawn_again_replaces_the_layer_and_keeps_its_order(self, stage, linear):
        for key, height in (("below", 0), ("above", 0), ("below", 1)):
            stage.curve(key, linear, [0, 1], [height, height], color="C0")
        assert list(stage.layers) == ["below", "above"]
        np.testing.assert_array_equal(stage.layers["below"].y, [1, 1])

    def test_a_removed_layer_is_gone_and_removing_it_again_is_no_error(self, stage, linear):
        stage.curve("line", linear, [0, 1], [0, 1], color="C0")
        stage.remove("line")
        stage.remove("line")
        assert stage.layers == {}
        assert stage._scene["layers"] == []

    def test_a_layer_keeps_its_data_when_the_callers_array_changes(self, stage, linear):
        x = np.array([1.0, 2.0])
        with stage.frame():
            stage.curve("line", linear, x, x, color="C0")
            x += 100
        np.testing.assert_array_equal(stage.layers["line"].x, [1, 2])

    def test_stepped_layers_tell_the_player_their_number_of_steps(self, stage, linear):
        stage.curve("path", linear, range(7), range(7), color="C0", stepped=True)
        stage.curve("still", linear, range(9), range(9), color="C0")
        stage.dots("swarm", linear, np.zeros((4, 20)), np.zeros((4, 20)), color="C0", stepped=True)
        assert [sent(stage, key)["steps"] for key in ("path", "still", "swarm")] == [7, 0, 4]

    def test_dots_are_sorted_by_colour_and_stay_themselves_in_every_frame(self, stage, linear):
        x = np.array([[1, 2, 3], [4, 5, 6]])
        stage.dots("swarm", linear, x, x * 0, color=["C0", "C1"], groups=[1, 0, 1], stepped=True)
        assert sent(stage, "swarm")["counts"] == (1, 2)
        np.testing.assert_array_equal(stage.layers["swarm"].x, [[2, 1, 3], [5, 4, 6]])

    def test_a_long_curve_carries_few_markers_and_a_short_one_all(self, stage, linear):
        stage.curve("short", linear, range(61), range(61), color="C0", marker="circle")
        stage.curve("long", linear, range(601), range(601), color="C0", marker="circle")
        assert sent(stage, "short")["markedEvery"] == 1
        assert 10 <= 601 / sent(stage, "long")["markedEvery"] <= 13

    def test_widths_and_dashes_are_points_turned_into_pixels(self, stage, linear):
        stage.curve("line", linear, [0, 1], [0, 1], color="C0", width=3.6, dash="dashed")
        assert sent(stage, "line")["width"] == pytest.approx(5)
        assert sent(stage, "line")["dash"] == pytest.approx([18.5, 8])

    @pytest.mark.parametrize(
        ("draw", "message"),
        [
            (lambda s, ax: s.curve("k", ax, [1], [1], color="C0", dash="wavy"), "dash.*'wavy'"),
            (lambda s, ax: s.curve("k", ax, [1], [1], color="C0", marker="o"), "marker.*'o'"),
            (lambda s, ax: s.curve("k", ax, [1, 2], [1, 2, 3], color="C0"), r"\(2,\) and \(3,\)"),
            (lambda s, ax: s.curve("k", ax, 1, 2, color="C0"), r"1 or 2 dimensions.*\(\)"),
            (lambda s, ax: s.dots("k", ax, [1], [2], color="C0", stepped=True), "2 dimensions"),
            (lambda s, ax: s.dots("k", ax, [1], [2], color=["C0"], groups=[1]), "1 colours.*1"),
            (lambda s, ax: s.dots("k", ax, [1], [2], color=["C0"], groups=[0, 0]), r"\(1,\).*\(2,"),
            (lambda s, ax: draw_handle(s, ax, print, along="z"), "along.*'z'"),
            (lambda s, ax: s.text("k", ax, 1, 1, "a", align="top"), "align.*'top'"),
            (lambda s, ax: s.curve("k", Figure().subplots(), [1], [1], color="C0"), "'k': ax"),
        ],
    )
    def test_a_wrong_argument_is_named(self, stage, linear, draw, message):
        with pytest.raises(ValueError, match=message):
            draw(stage, linear)
        assert stage.layers == {}


class TestMessages:
    def test_a_stage_without_layers_has_the_size_of_its_figure(self, figure):
        scene = Stage(figure, name="Empty")._scene
        assert (scene["width"], scene["height"], scene["layers"]) == (800, 400, [])

    def test_everything_changed_in_a_frame_is_one_message(self, stage, messages, linear):
        with stage.frame():
            linear.set_title("A new title")
            stage.background_changed()
            with stage.frame():
                stage.curve("line", linear, [0, 1], [0, 1], color="C0")
            stage.text("text", linear, 1, 0, "here")
            stage.say("A line.")
        assert messages == [{"_background", "_scene"}]
        assert stage._scene["reading"] == stage.reading == "A line."

    def test_the_background_is_drawn_again_only_when_it_has_changed(self, stage, messages, linear):
        before = stage._background
        stage.curve("line", linear, [0, 1], [0, 1], color="C0")
        assert stage._background is before
        assert messages == [{"_scene"}]
        linear.set_title("A new title")
        stage.background_changed()
        assert stage._background.startswith(PNG)
        assert stage._background != before

    def test_a_frame_that_fails_shows_what_was_drawn_and_passes_the_error_on(self, stage, linear):
        def draw():
            with stage.frame():
                stage.curve("line", linear, [0, 1], [0, 1], color="C0")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            draw()
        assert [layer["key"] for layer in stage._scene["layers"]] == ["line"]
        stage.remove("line")
        assert stage._scene["layers"] == []


class TestDrag:
    def test_a_drag_calls_back_with_data_coordinates(self, stage, linear):
        moves = []
        draw_handle(stage, linear, lambda x, y: moves.append((x, y)))
        drag(stage, "start", 112, 140)
        np.testing.assert_allclose(moves, [(1, 0.5)], atol=1e-6)

    def test_a_drag_on_a_log_axis_gives_the_value_there(self, stage, log):
        moves = []
        draw_handle(stage, log, lambda x, y: moves.append((x, y)))
        drag(stage, "start", 600, 200)
        np.testing.assert_allclose(moves, [(0.5, 10)])

    @pytest.mark.parametrize("limits", [(0, 10), (10, 0)])
    def test_a_drag_stays_in_the_axes_window(self, stage, linear, limits):
        linear.set_xlim(limits)
        stage.background_changed()
        moves = []
        draw_handle(stage, linear, lambda x, y: moves.append((x, y)))
        drag(stage, "start", -1e9, 1e9)
        np.testing.assert_allclose(moves, [(limits[0], -1)])
        assert -1 <= moves[0][1] <= 1

    def test_a_point_that_moves_sideways_keeps_its_height(self, stage, linear):
        moves = []
        draw_handle(stage, linear, lambda x, y: moves.append((x, y)), along="x")
        drag(stage, "start", 112, 140)
        np.testing.assert_allclose(moves, [(1, 0)], atol=1e-6)

    def test_a_point_that_moves_upright_keeps_its_side(self, stage, linear):
        moves = []
        draw_handle(stage, linear, lambda x, y: moves.append((x, y)), along="y")
        place = stage.layers["start"].x
        drag(stage, "start", 112, 140)
        assert moves[0][0] == place
        assert moves[0][1] == pytest.approx(stage.layers["start"].y)
        assert sent(stage, "start")["position"] == f"y = {moves[0][1]:.3g}".replace("-", "−")

    def test_the_dragged_point_moves_by_itself_in_one_message(self, stage, messages, linear):
        draw_handle(stage, linear, lambda x, y: stage.say(f"At {x:.1f}."))
        messages.clear()
        drag(stage, "start", 112, 140)
        assert messages == [{"_scene"}]
        np.testing.assert_allclose(pixels(stage, "start", 1), [[112, 140]], atol=1e-3)
        assert (stage._scene["answered"], stage.reading) == (1, "At 1.0.")

    def test_only_moves_that_are_new_call_back(self, stage, linear):
        moves = []
        draw_handle(stage, linear, lambda x, y: moves.append(x))
        stage.handle(
            "other", linear, 0, 0, color="k", name="Other", on_drag=lambda x, y: moves.append(-x)
        )
        drag(stage, "start", 112, 140, serial=1)
        stage.set_state({"_moves": {"start": [3, 144, 140], "other": [1, 144, 140]}})
        np.testing.assert_allclose(moves, [1, 2], atol=1e-6)

    def test_a_drag_of_a_key_that_is_no_handle_is_ignored(self, stage, linear):
        stage.curve("line", linear, [0, 1], [0, 1], color="C0")
        drag(stage, "line", 112, 140, serial=1)
        drag(stage, "gone", 112, 140, serial=2)
        assert (stage._scene["answered"], stage.reading) == (2, "Nothing yet.")

    def test_an_error_while_dragging_is_said_and_not_raised(self, stage, linear):
        draw_handle(stage, linear, lambda x, y: 1 / 0)
        drag(stage, "start", 112, 140)
        assert stage.reading == "This picture could not be drawn: division by zero"
        assert stage._scene["reading"] == stage.reading

    def test_the_position_is_spoken_in_three_figures(self, stage, linear):
        draw_handle(stage, linear, print)
        stage.handle("w", linear, 1 / 3, -0.5, color="k", name="w", on_drag=print, along="x")
        stage.handle("v", linear, -12345, 2 / 3, color="k", name="v", on_drag=print)
        assert sent(stage, "w")["position"] == "x = 0.333"
        assert sent(stage, "v")["position"] == "x = −1.23e+04, y = 0.667"


class TestPng:
    def test_the_picture_is_a_png_and_the_same_every_time(self, stage, linear):
        stage.curve("line", linear, [0, 10], [-1, 1], color="C0", label="a line")
        assert stage.to_png().startswith(PNG)
        assert stage.to_png() == stage.to_png()

    @pytest.mark.parametrize(
        "change",
        [
            lambda s, ax: draw_line(s, ax, y=[-1, 0.9]),
            lambda s, ax: draw_line(s, ax, label="the line"),
            lambda s, ax: draw_line(s, ax, dash="dotted"),
            lambda s, ax: draw_line(s, ax, marker="diamond"),
            lambda s, ax: s.dots("dots", ax, [5], [0.5], color="C1"),
            lambda s, ax: s.dots("dots", ax, [5] * 1001, [0.5] * 1001, color="C1"),
            lambda s, ax: draw_handle(s, ax, print),
            lambda s, ax: s.text("text", ax, 5, 0.5, "here"),
            lambda s, ax: s.say("Something else."),
        ],
    )
    def test_the_picture_shows_every_layer_the_legend_and_the_reading(self, stage, linear, change):
        draw_line(stage, linear)
        before = stage.to_png()
        change(stage, linear)
        assert stage.to_png() != before

    def test_the_last_frame_of_stepped_dots_is_drawn(self, stage, linear):
        def picture(first, last):
            x = np.array([[first], [last]])
            stage.dots("dots", linear, x, x * 0, color="C1", stepped=True)
            return stage.to_png()

        assert picture(1, 9) == picture(2, 9) != picture(1, 8)

    def test_taking_the_picture_leaves_the_figure_as_it_was(self, stage, linear):
        stage.curve("line", linear, [0, 1000], [0, 1000], color="C0")
        before = linear.get_children(), linear.get_xlim(), stage.figure.dpi
        stage.to_png()
        assert (linear.get_children(), linear.get_xlim(), stage.figure.dpi) == before

    def test_a_text_whose_point_lies_outside_the_axes_is_not_drawn(self, stage, linear):
        before = stage.to_png()
        stage.text("text", linear, 5, 1.2, "above the window")
        assert stage.to_png() == before

    def test_what_stands_out_of_the_axes_does_not_move_them(self):
        figure = Figure(figsize=(6, 4), layout="constrained")
        ax = figure.subplots()
        ax.set(xlim=(0, 1), ylim=(0, 1))
        stage = Stage(figure, name="A handle in the corner")
        stage.handle("corner", ax, 1, 1, color="k", name="Corner", on_drag=print)
        stage.text("text", ax, 1, 0.5, "a long text that begins at the edge")
        before = ax.get_position().bounds
        stage.to_png()
        assert ax.get_position().bounds == before

    def test_layers_without_points_are_no_error(self, stage, linear):
        stage.curve("line", linear, [], [], color="C0", label="nothing", stepped=True)
        stage.dots("dots", linear, [], [], color=["C0", "C1"], groups=[])
        assert stage.to_png().startswith(PNG)

    @pytest.mark.parametrize("width", [9.2, 6.35, 5.01])
    def test_the_words_are_as_wide_as_the_picture(self, width):
        stage = Stage(Figure(figsize=(width, 2)), name="A width that is no round number")
        stage.say("Nothing yet.")
        assert stage.to_png().startswith(PNG)

    def test_a_long_reading_takes_more_rows(self, stage):
        def height(png):
            return int.from_bytes(png[20:24], "big")

        one_row = height(stage.to_png())
        stage.say("Many words. " * 40)
        assert height(stage.to_png()) > one_row + 80


class TestExplorer:
    def test_the_picture_is_drawn_at_once_and_whenever_a_control_changes(self, stage):
        slider, box = ipywidgets.FloatSlider(1.0), ipywidgets.Checkbox(False)
        seen = []
        Explorer(stage, [slider, box], lambda: seen.append((slider.value, box.value)))
        slider.value = 2.0
        box.value = True
        slider.max = 50
        assert seen == [(1.0, False), (2.0, False), (2.0, True)]

    def test_an_update_is_one_message(self, stage, messages, linear):
        slider = ipywidgets.FloatSlider(1.0)

        def update():
            stage.curve("line", linear, [0, slider.value], [0, 1], color="C0")
            stage.say(f"It ends at {slider.value}.")

        Explorer(stage, [slider], update)
        assert len(messages) == 1
        slider.value = 2.0
        assert len(messages) == 2

    def test_an_error_in_update_becomes_one_line_and_the_next_update_works(self, stage):
        slider = ipywidgets.FloatSlider(-0.1, min=-1)

        def update():
            if slider.value < 0:
                raise ValueError(f"learning_rate must be\n positive, got {slider.value}")
            stage.say("All is well.")

        Explorer(stage, [slider], update)
        refusal = "This picture could not be drawn: learning_rate must be positive, got -0.1"
        assert stage._scene["reading"] == stage.reading == refusal
        slider.value = 0.1
        assert stage.reading == "All is well."

    def test_a_background_that_cannot_be_drawn_becomes_one_line_too(self, stage, linear):
        def update():
            linear.set_title(r"$\nosuchmacro$")
            stage.background_changed()

        Explorer(stage, [], update)
        assert stage.reading.startswith("This picture could not be drawn: ")

    def test_the_bundle_has_the_widget_a_static_picture_and_the_reading(self, stage):
        explorer = Explorer(stage, [], lambda: stage.say("The loss falls."))
        data, metadata = DisplayFormatter().format(explorer)
        assert data["text/plain"] == "The loss falls."
        assert base64.b64decode(data["image/png"], validate=True) == stage.to_png()
        widget = data["application/vnd.jupyter.widget-view+json"]
        assert widget["model_id"] == explorer.model_id
        assert metadata["image/png"] == {"width": 800}

    def test_showing_displays_it_and_returns_nothing(self, stage, monkeypatch):
        shown = []
        monkeypatch.setattr("course_utils.explorers.explorer.display", shown.append)
        explorer = Explorer(stage, [], lambda: None)
        assert explorer.show() is None
        assert shown == [explorer]

    def test_the_controls_stand_above_the_stage(self, stage):
        slider = ipywidgets.FloatSlider(1.0)
        explorer = Explorer(stage, [slider], lambda: None)
        rows, below = explorer.children
        assert below is explorer.stage is stage
        assert rows.children == explorer.controls == (slider,)
