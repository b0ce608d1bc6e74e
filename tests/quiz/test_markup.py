import pytest

from course_utils.quiz.markup import (
    MACROS,
    MarkupError,
    fill,
    placeholders,
    to_html,
    to_markdown,
    to_text,
)


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
        plain = to_text(f"$\\{macro}{argument}$")
        assert "\\" not in plain
        assert plain.isprintable()


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
    with pytest.raises(MarkupError):
        to_text(text)


def test_placeholders_are_told_from_latex_arguments_and_code():
    text = r"$\frac{a}{b} + w_{t} + x^{n} + \sqrt[3]{y} + {c}$ {d} `{e}` $10^{-{f}}$"

    assert placeholders(text) == {"c", "d", "f"}


def test_filling_leaves_other_braces_alone_and_keeps_a_group_where_latex_needs_one():
    numbers = {"a": 12, "b": -0.5, "n": 1234567}

    assert fill(r"$\frac{a}{b}$", numbers) == r"$\frac{12}{-0.5}$"
    assert fill("$x={b}$, {b} of {n}, {other}", numbers) == "$x=-0.5$, −0.5 of 1234567, {other}"


def test_plain_text_loses_the_marks_and_keeps_paragraphs_and_code():
    assert to_text("A *small*\nstep `w_1 = a*b`.\n\nAnd 2 * 3.") == (
        "A small step w_1 = a*b.\n\nAnd 2 * 3."
    )


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"w \leftarrow w - \eta\,\nabla L(w)", "w ← w − η ∇L(w)"),
        (r"2\lambda w_1w_2", "2λ w₁ w₂"),
        (r"-0.5\cdot-2=+1", "−0.5 · −2 = +1"),
        (r"(-a,\,b)", "(−a, b)"),
        (r"\geq 3", "≥ 3"),
        (r"1-\beta_1^t", "1 − β₁^t"),
        (r"10^{-5}+a^{0.5}", "10⁻⁵ + a^(0.5)"),
        (r"v^\top H v + w^* + f'", "vᵀ H v + w* + f′"),
        (r"x_{t-1}+x_{12}+x_{\text{max}}", "x_(t − 1) + x₁₂ + x_max"),
        (r"(1-p)^{12}\left(a+b\right)^2", "(1 − p)¹² (a + b)²"),
        (r"\sqrt\beta+\sqrt{a+b}+\sqrt[3]{x}+\sqrt{x}^2", "√β + √(a + b) + ³√x + (√x)²"),
        (r"\frac{a}{b}=\frac{a+1}{2b}", "a/b = (a + 1)/(2b)"),
        (r"\frac{1}{\sqrt{n}}+\frac{\sqrt{1-a}}{(1-b)}", "1/√n + √(1 − a)/(1 − b)"),
        (r"\frac{(a)(b)}{c}+\frac{c}{(a)(b)}", "(a)(b)/c + c/((a)(b))"),
        (r"\sqrt{(0,1]}+\frac{1}{(0,1]}", "√((0, 1]) + 1/((0, 1])"),
        (r"\frac{a/b}{c}+\frac{\frac{a}{b}}{c}", "(a/b)/c + (a/b)/c"),
        (r"\frac{\partial L}{\partial w_1}", "∂L/∂w₁"),
        (r"\frac12w^2-\frac14(x+y)", "(1/2) w² − (1/4)(x + y)"),
        (r"\eta\frac{a}{b}", "η (a/b)"),
        (r"\cos\frac{a}{b}", "cos(a/b)"),
        (r"-\ln p+\max(0,\,x)-\tanh^2 x", "−ln p + max(0, x) − tanh² x"),
        (r"\delta|e|-10\lvert -g\rvert", "δ |e| − 10|−g|"),
        (r"\lVert\nabla L\rVert^2", "‖∇L‖²"),
        (r"2(\hat y-y)+\hat m_t+\bar x", "2(y_hat − y) + m_hat_t + x_bar"),
        (r"\sum_{i=1}^n w_i^2", "∑_(i = 1)^n w_i²"),
        (r"\underbrace{a}_{b}+\underline{c}", "a_b + c"),
        (r"\binom{n}{k}", "(n over k)"),
        (r"\begin{pmatrix}a & b\\ c & d\end{pmatrix}", "(a, b; c, d)"),
        (r"1+q+\dots", "1 + q + …"),
        (r"\epsilon\in\mathbb{R}", "ε ∈ R"),
        (r"50\%\text{ of }n", "50% of n"),
        (r"1/50", "1/50"),
    ],
)
def test_a_formula_is_one_line_of_unicode(latex, plain):
    assert to_text(f"${latex}$") == plain
