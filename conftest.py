"""The fixtures that every test may use, and a record of answers apart from the learner's own."""

import os
import shutil
import tempfile

# One thread each: tests and the kernels of notebooks run side by side, and BLAS threads that wait
# for each other on busy cores are many times slower. NumPy reads this when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest


def pytest_configure(config):
    """Give notebooks and doctests, which take no fixtures, a fresh record too."""
    config.course_home = os.environ["COURSE_HOME"] = tempfile.mkdtemp(prefix="course-home-")


def pytest_unconfigure(config):
    """Remove it."""
    shutil.rmtree(config.course_home, ignore_errors=True)


@pytest.fixture(autouse=True)
def course_home(tmp_path, monkeypatch):
    """A fresh record for every test, so that no test sees another's answers."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "course_home"))
    return tmp_path / "course_home"


@pytest.fixture
def rng():
    return np.random.default_rng(20240229)
