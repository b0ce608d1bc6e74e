import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import course_utils

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
README = (ROOT / "README.md").read_text("utf-8")
OPEN = "python -m pip install -c constraints.txt -e . && course lab"
CHECK = 'python -m pip install -c constraints.txt -e ".[test]" && python -m pytest'


def test_readme_gives_the_two_commands_and_the_two_lines_of_a_virtual_environment():
    blocks = re.findall(r"^```\n(.*?)\n```$", README, re.M | re.S)
    assert blocks == ["python -m venv .venv\nsource .venv/bin/activate", OPEN, CHECK]


def test_every_file_that_readme_links_to_exists():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert len(links) >= 4
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_ci_runs_the_second_command_of_readme():
    assert (ROOT / ".ci" / "run").read_text("utf-8").splitlines()[-1] == CHECK


def test_the_workflow_runs_the_same_script_on_every_supported_python():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    (job,) = workflow["jobs"].values()
    assert job["steps"][-1] == {"run": "bash .ci/run"}
    minors = [
        minor for minor in range(30) if f"3.{minor}" in SpecifierSet(PROJECT["requires-python"])
    ]
    assert job["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in minors]
    # YAML 1.1 reads the key `on` as true.
    assert workflow[True] == {"pull_request": None, "push": {"branches": ["main"]}}


def test_conda_leaves_the_versions_to_pyproject_and_the_constraints():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    python, pip, packages = environment["dependencies"]
    assert python == f"python{PROJECT['requires-python']}"
    assert pip == "pip"
    assert packages == {"pip": ["-c constraints.txt", "-e ."]}


def test_every_dependency_is_pinned_at_a_version_that_it_allows():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    needed = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]
    for need in map(Requirement, needed):
        assert pins.get(canonicalize_name(need.name), "no pin") in need.specifier, need


def modules():
    found = pkgutil.walk_packages(course_utils.__path__, "course_utils.")
    return [module.name for module in found if module.name != "course_utils.keras_twin"]


def loaded_by(*names):
    program = f"import sys, {', '.join(names)}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.split())


def test_only_keras_twin_loads_tensorflow():
    assert len(modules()) > 10
    assert not {"tensorflow", "keras"} & loaded_by(*modules())


@pytest.mark.parametrize("name", ["course_utils", "course_utils.quiz", "course_utils.cli"])
def test_what_is_loaded_often_loads_nothing_heavy(name):
    heavy = {"tensorflow", "matplotlib.pyplot", "sklearn", "jupyterlab", "IPython"}
    assert not heavy & loaded_by(name)


@pytest.mark.parametrize("arguments", [["check"], ["format", "--check"]])
def test_ruff_has_nothing_to_say_of_code_and_notebooks(arguments):
    command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", "."]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
