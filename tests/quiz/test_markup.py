import pytest

from course_utils.quiz.markup import MACROS, MarkupError, fill, placeholders, to_html, to_markdown


def test_latex_becomes_mathml():
    html = to_html(r"Step $w \leftarrow w - \frac{\eta}{2}$ down")

    assert html.startswith("Step <math")
    assert html.endswith("</math> down")
    assert "<mfrac><mrow><mi>η</mi></mrow><mrow><mn>2</mn></mrow></mfrac>" in html
    assert "<mo>←</mo>" in html


def test_everything_but_the_marks_is_escaped():
    html = to_html(r"a < b & `x < <b>` and $\text{<script>} < y$ *or not*")

    assert "a &lt; b &amp; <code>x &lt; &lt;b&gt;</code>" in html
    assert "<mtext>&lt;script&gt;</mtext>" in html
    assert "<em>or not</em>" in html


def test_emphasis_may_hold_latex_and_a_lone_star_is_a_star():
    assert to_html("*lower $L$* by 2 * 3").startswith("<em>lower <math")
    assert to_html("2 * 3") == "2 * 3"
    assert to_markdown("2 * 3, *never*") == r"2 \* 3, *never*"


def test_a_blank_line_parts_paragraphs():
    assert to_html("One\nline.\n\nTwo.") == "<p>One line.</p><p>Two.</p>"
    assert to_markdown("One\nline.\n\nTwo.") == "One line.\n\nTwo."


def test_markdown_keeps_latex_and_code_and_escapes_its_own_marks():
    text = to_markdown(r"x_1 [a] # $w_{t}<0$ `a_b*c`")

    assert text == r"x\_1 \[a\] \# $w_{t}\lt 0$ `a_b*c`"


@pytest.mark.parametrize("macro", sorted(m for m in MACROS if m.isalpha()))
def test_every_macro_of_the_closed_list_is_rendered(macro):
    argument = {
        "frac": "{a}{b}",
        "tfrac": "{a}{b}",
        "dfrac": "{a}{b}",
        "binom": "{a}{b}",
        "begin": r"{matrix} a & b \\ c & d \end{matrix}",
        "end": None,
        "left": r"( x \right)",
        "right": None,
    }.get(macro, "{x}")

    if argument is not None:
        assert "\\" not in to_html(f"$\\{macro}{argument}$")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("costs $5", "unbalanced $"),
        ("$a$ and $b", "unbalanced $"),
        ("`code", "unbalanced backtick"),
        ("<b>bold</b>", "raw HTML '<b'"),
        ("x &lt; y", "raw HTML '&lt;'"),
        ("<!-- note -->", "raw HTML '<!'"),
        (r"\eta is small", r"LaTeX outside of $…$"),
        ("**bold**", r"\*\* is not known"),
        (r"$\href{x}{y}$", r"\\href in"),
        (r"$\def\x{y}$", r"\\def in"),
        (r"$\operatorname*{argmin}$", r"\\operatorname\* in"),
        (r"$\begin{align}a\end{align}$", "the environment 'align'"),
        (r"$\frac{1}$", "an argument is missing"),
        (r"$\left( x$", "cannot be read"),
        ("$a_b_c$", "cannot be read"),
        ("${a$", "unbalanced braces"),
        ("$a}$", "unbalanced braces"),
        ("$50 %$", "is a command to LaTeX"),
        ("$a & b$", "outside of a matrix"),
    ],
)
def test_what_the_format_does_not_allow_is_refused(text, reason):
    with pytest.raises(MarkupError, match=reason.replace("$", r"\$")):
        to_html(text)
    with pytest.raises(MarkupError):
        to_markdown(text)


def test_placeholders_are_told_from_latex_arguments_and_code():
    text = r"$\frac{a}{b} + w_{t} + x^{n} + \sqrt[3]{y} + {c}$ {d} `{e}` $10^{-{f}}$"

    assert placeholders(text) == {"c", "d", "f"}


def test_filling_leaves_other_braces_alone_and_keeps_a_group_where_latex_needs_one():
    numbers = {"a": 12, "b": -0.5, "n": 1234567}

    assert fill(r"$\frac{a}{b}$", numbers) == r"$\frac{12}{-0.5}$"
    assert fill("$x={b}$, {b} of {n}, {other}", numbers) == "$x=-0.5$, −0.5 of 1234567, {other}"
