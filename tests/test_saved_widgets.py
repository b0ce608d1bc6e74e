"""What a saved notebook holds of its widgets; tests/browser/test_faults.py opens such a one."""

from course_utils.saved_widgets import VIEW, keep_readings

READING = {"text/plain": "At w = 2 the slope is 4.", "image/png": "iVBO"}


def saved(*outputs):
    """A notebook with these outputs, as JupyterLab sends it, after the server's hook."""
    cells = [
        {"cell_type": "markdown", "source": "# A lesson"},
        {"cell_type": "code", "source": "1", "outputs": list(outputs)},
    ]
    metadata = {"widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"ab": {}}}}}
    notebook = {"cells": cells, "metadata": metadata | {"language_info": {"name": "python"}}}
    keep_readings(model={"type": "notebook", "content": notebook}, path="a.ipynb", manager=None)
    return notebook


def outputs_of(notebook):
    return notebook["cells"][1]["outputs"]


def test_of_a_widget_the_static_reading_stays():
    shown = {"output_type": "display_data", "data": {VIEW: {"model_id": "ab"}, **READING}}
    other = {"output_type": "execute_result", "data": {**READING, VIEW: {"model_id": "cd"}}}
    assert [output["data"] for output in outputs_of(saved(shown, other))] == [READING, READING]


def test_the_state_of_the_widgets_goes_and_other_metadata_stays():
    assert saved()["metadata"] == {"language_info": {"name": "python"}}


def test_an_output_that_is_nothing_but_a_widget_stays_as_it_is():
    bare = {"output_type": "display_data", "data": {VIEW: {"model_id": "ab"}}}
    assert outputs_of(saved(bare)) == [
        {"output_type": "display_data", "data": {VIEW: {"model_id": "ab"}}}
    ]


def test_outputs_without_widgets_stay_as_they_are():
    printed = {"output_type": "stream", "name": "stdout", "text": "2\n"}
    drawn = {"output_type": "display_data", "data": dict(READING)}
    assert outputs_of(saved(printed, drawn)) == [
        {"output_type": "stream", "name": "stdout", "text": "2\n"},
        {"output_type": "display_data", "data": READING},
    ]


def test_a_notebook_without_widgets_and_a_file_that_is_no_notebook_are_let_alone():
    empty = {"type": "notebook", "content": {"cells": [], "metadata": {}}}
    file = {"type": "file", "format": "text", "content": "hello"}
    for model in (empty, file):
        keep_readings(model=model, path="a")
    assert empty["content"] == {"cells": [], "metadata": {}}
    assert file["content"] == "hello"
