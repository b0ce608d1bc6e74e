import json
import runpy
from pathlib import Path

import pytest

rebuild = runpy.run_path(str(Path(__file__).with_name("rebuild.py")))


def write(path, *sources):
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "widgets": {}}
    path.write_text(
        json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
    )


def test_a_rebuilt_notebook_has_run_and_holds_nothing_of_its_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_HOME", "the-authors-own")
    path = tmp_path / "a.ipynb"
    write(
        path,
        "import os; print(os.environ['COURSE_HOME'] == 'the-authors-own')",
        "import ipywidgets; ipywidgets.IntSlider(3)",
    )
    assert rebuild["main"]([str(path)]) == 0
    assert capsys.readouterr().out == "a.ipynb: rebuilt\n"
    book = json.loads(path.read_text("utf-8"))
    assert [cell["execution_count"] for cell in book["cells"]] == [1, 2]
    assert book["cells"][0]["outputs"][0]["text"] == ["False\n"]
    assert list(book["cells"][1]["outputs"][0]["data"]) == ["text/plain"]
    assert "widgets" not in book["metadata"]
    assert "version" not in book["metadata"]["language_info"]

    first = path.read_bytes()
    assert rebuild["main"]([str(path)]) == 0
    assert path.read_bytes() == first


def test_a_notebook_with_a_failing_cell_stays_as_it_was(tmp_path, capsys):
    write(tmp_path / "a.ipynb", "1 / 0")
    before = (tmp_path / "a.ipynb").read_bytes()
    assert rebuild["main"]([str(tmp_path / "a.ipynb")]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert (tmp_path / "a.ipynb").read_bytes() == before


def stream(name, *lines):
    return {"output_type": "stream", "name": name, "text": list(lines)}


PICTURE = {"output_type": "display_data", "data": {}, "metadata": {}}


@pytest.mark.parametrize(
    ("outputs", "whole"),
    [
        ([stream("stdout", "a"), stream("stdout", "b")], [stream("stdout", "a", "b")]),
        ([stream("stdout", "a"), stream("stderr", "b")],) * 2,
        ([stream("stdout", "a"), PICTURE, stream("stdout", "b")],) * 2,
        ([PICTURE, PICTURE],) * 2,
    ],
)
def test_only_printed_text_that_stands_together_is_joined(outputs, whole):
    assert rebuild["joined"](outputs) == whole
