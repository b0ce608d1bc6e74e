"""The fixtures that every test may use."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def course_home(tmp_path, monkeypatch):
    """A fresh record for every test, so that no test sees another's answers."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "course_home"))
    return tmp_path / "course_home"


@pytest.fixture
def rng():
    return np.random.default_rng(20240229)
