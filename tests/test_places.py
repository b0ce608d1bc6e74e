from course_utils.places import course_home


def test_a_tilde_that_no_shell_has_expanded_is_the_learners_own_folder(monkeypatch, tmp_path):
    for variable in ("HOME", "USERPROFILE"):  # the second is the one on Windows
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setenv("COURSE_HOME", "~/answers")
    assert course_home() == tmp_path / "answers"
