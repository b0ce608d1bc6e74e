"""A small bank of its own, so that these tests do not depend on what the course asks."""

import numpy as np
import pytest

from course_utils.quiz import bank, registry
from course_utils.quiz.drawings import FIGURES
from course_utils.quiz.generators import GENERATORS, Variant

REFERENCES = """
[ruder2016]
authors = ["Sebastian Ruder"]
title = "An overview of gradient descent optimization algorithms"
year = 2016
where = "arXiv:1609.04747"
"""

BANK = r"""
schema = 1
lesson = "99_sample"

[[objective]]
id = "gd.update-rule"
text = 'Write one step $w \leftarrow w - \eta\,\nabla L(w)$.'

[[question]]
id = "gd-step-sign"
type = "single"
objective = "gd.update-rule"
level = "understand"
stem = 'Which update lowers a smooth loss $L$ for a small enough $\eta$?'
reference = "ruder2016"
figure = "sample_curves"
alt = 'Two falling curves.'
[[question.option]]
text = '$w + \eta\,\nabla L(w)$'
feedback = 'The gradient points uphill.'
[[question.option]]
text = '$w - \eta\,\nabla L(w)$'
correct = true
feedback = 'Yes: a step against the slope.'
[[question.option]]
text = '$w - \eta\,L(w)$'
feedback = 'The loss itself has no direction.'

[[question]]
id = "gd-never-settles"
type = "multiple"
objective = "gd.update-rule"
level = "analyze"
stem = 'This run never settles. Which changes help?'
code = '''
w = w + 0.1 * gradient(w)
'''
reference = "ruder2016"
[[question.option]]
text = 'Subtract `gradient(w)`'
correct = true
feedback = 'Yes: downhill.'
[[question.option]]
text = 'Take more steps'
feedback = 'It climbs further.'
[[question.option]]
text = 'Negate the loss'
correct = true
feedback = 'Yes: climbing it turned over is descending.'
[[question.option]]
text = 'Start at zero'
feedback = 'The sign stays as it is.'

[[question]]
id = "gd-one-step"
type = "numeric"
objective = "gd.update-rule"
level = "apply"
stem = 'One step from $w={w0}$ on $L(w)={a}w^2$ with $\eta=0.1$ lands at which $w$?'
generator = "sample_step"
rtol = 1e-3
reference = "ruder2016"
feedback = 'Yes: from {w0} against the slope.'
[[question.mistake]]
name = "wrong_sign"
feedback = 'You added the gradient at {w0}.'
"""


def sample_step(rng: np.random.Generator) -> Variant:
    a, w0 = int(rng.integers(1, 4)), int(rng.integers(2, 6))
    return Variant({"a": a, "w0": w0}, w0 - 0.2 * a * w0, {"wrong_sign": w0 + 0.2 * a * w0})


def sample_curves():
    from matplotlib.figure import Figure

    return Figure()


@pytest.fixture
def registered(monkeypatch):
    """Registries in which a test may put its own generators."""
    monkeypatch.setattr(registry, "import_modules", lambda package: None)
    monkeypatch.setattr(GENERATORS, "functions", {"sample_step": sample_step})
    monkeypatch.setattr(FIGURES, "functions", {"sample_curves": sample_curves})


@pytest.fixture
def quizzes(tmp_path, monkeypatch, registered):
    """The course's quizzes replaced by a folder with one sample bank."""
    folder = tmp_path / "quizzes"
    folder.mkdir()
    (folder / "references.toml").write_text(REFERENCES, encoding="utf-8")
    (folder / "99_sample.toml").write_text(BANK, encoding="utf-8")
    monkeypatch.setattr(bank, "shipped", lambda name: tmp_path / name)
    return folder
