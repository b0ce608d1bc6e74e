r"""The small text format of the question banks, as HTML with MathML, Markdown or plain text.

A text may hold `$LaTeX$` from a closed list of macros, inline code in backticks, *emphasis* and
blank lines between paragraphs. Nothing here knows what a question is.
"""

import html
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from numbers import Integral
from xml.etree import ElementTree

from .plain_math import in_unicode

_MACROS = r"""
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi
rho varrho sigma tau upsilon phi varphi chi psi omega
Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
frac tfrac dfrac binom sqrt nabla partial ell infty prime hbar
sum prod int lim max min sup inf log ln exp sin cos tan tanh sinh cosh det dim
operatorname text mathbf boldsymbol mathrm mathit mathcal mathbb mathsf mathtt
hat widehat bar tilde vec dot ddot overline underline underbrace overbrace
cdot times div pm mp odot oplus otimes circ ast star top bot
leq le geq ge lt gt ll gg neq ne approx equiv sim simeq propto in notin subset subseteq
cup cap setminus forall exists to mapsto mid parallel perp
leftarrow rightarrow leftrightarrow Leftarrow Rightarrow Leftrightarrow gets iff implies
uparrow downarrow longrightarrow longleftarrow
left right lvert rvert lVert rVert vert Vert langle rangle lfloor rfloor lceil rceil
ldots cdots vdots ddots dots quad qquad begin end
, ; : ! \ { } | %
"""
MACROS = frozenset(_MACROS.split()) | {" "}
ENVIRONMENTS = frozenset({"matrix", "pmatrix", "bmatrix", "vmatrix", "cases"})

_MACRO = re.compile(r"\\(operatorname\*|[A-Za-z]+|.)", re.DOTALL)
_VERBATIM = re.compile(r"(`[^`]+`|\$[^$]+\$)")
_HTML = re.compile(r"<[A-Za-z/!?]|&(?:#\w+|[A-Za-z]+);")
_PLACEHOLDER = re.compile(r"\{([A-Za-z]\w*)\}")
# After these, braces hold the argument of a macro, a subscript or an exponent.
_ARGUMENT = re.compile(r"(?:\\[A-Za-z]+|[_^}\]])$")
_CHILDREN = {"mfrac": 2, "msub": 2, "msup": 2, "mover": 2, "munder": 2, "mroot": 2}
_CHILDREN |= {"msubsup": 3, "munderover": 3}
_STAR = "\0"


class MarkupError(ValueError):
    """A text that the format does not allow; the message says what and how to mend it."""


@lru_cache(maxsize=4096)
def to_html(text: str) -> str:
    """Render `text` as HTML in which everything but the format's own marks is escaped.

    >>> to_html("A *small* step: a < b, `x[0]`")
    'A <em>small</em> step: a &lt; b, <code>x[0]</code>'
    """

    def plain(piece: str) -> str:
        return html.escape(piece, quote=False)

    def code(piece: str) -> str:
        return f"<code>{html.escape(piece, quote=False)}</code>"

    paragraphs = [
        _emphasize(_render(paragraph, plain, code, _mathml), "<em>", "</em>", "*")
        for paragraph in _paragraphs(text)
    ]
    return paragraphs[0] if len(paragraphs) == 1 else "".join(f"<p>{p}</p>" for p in paragraphs)


def to_markdown(text: str) -> str:
    r"""Render `text` as Markdown for a notebook, with its LaTeX between dollar signs.

    >>> to_markdown("Is $a<b$ in `x_1` and x_1?")
    'Is $a\\lt b$ in `x_1` and x\\_1?'
    """

    def plain(piece: str) -> str:
        return re.sub(r"([\\_\[\]#|~<>])", r"\\\1", piece)

    def code(piece: str) -> str:
        return f"`{piece}`"

    def math(latex: str) -> str:
        _mathml(latex)
        escaped = re.sub(r"<\s*", r"\\lt ", re.sub(r">\s*", r"\\gt ", latex.strip()))
        return f"${escaped}$"

    return "\n\n".join(
        _emphasize(_render(paragraph, plain, code, math), "*", "*", r"\*")
        for paragraph in _paragraphs(text)
    )


@lru_cache(maxsize=4096)
def to_text(text: str) -> str:
    r"""Render `text` as plain Unicode for a terminal, without any mark of the format.

    >>> to_text(r"A *small* step: $w \leftarrow w - \frac{\eta}{2}g^2$, `x[0]`")
    'A small step: w ← w − (η/2) g², x[0]'
    """

    def as_is(piece: str) -> str:
        return piece

    def math(latex: str) -> str:
        return in_unicode(_formula(latex))

    return "\n\n".join(
        _emphasize(_render(paragraph, as_is, as_is, math), "", "", "*")
        for paragraph in _paragraphs(text)
    )


def placeholders(text: str) -> set[str]:
    r"""Return the names that stand in braces in `text`, LaTeX arguments and code left out.

    >>> sorted(placeholders(r"From $w={w0}$ on $\frac{a}{2}w_{t}^2$, at `{x}` and {eta}"))
    ['eta', 'w0']
    """
    names = set()
    for piece in _VERBATIM.split(text):
        if not piece.startswith("`"):
            for match in _PLACEHOLDER.finditer(piece):
                if not _ARGUMENT.search(piece[: match.start()]):
                    names.add(match[1])
    return names


def fill(text: str, numbers: Mapping[str, float]) -> str:
    r"""Put `numbers` where `text` holds their names in braces.

    >>> fill(r"$L(w)={a}w^2$ at {w0}", {"a": 2e-7, "w0": -3})
    '$L(w)=2 \\times 10^{-7}w^2$ at −3'
    """

    def filled(piece: str) -> str:
        if piece.startswith("$"):
            return _fill_math(piece, numbers)
        if piece.startswith("`"):
            return fill_code(piece, numbers)
        return _substitute(piece, numbers, number)

    return "".join(filled(piece) for piece in _VERBATIM.split(text))


def fill_code(code: str, numbers: Mapping[str, float]) -> str:
    """Put `numbers` into Python code, and leave every other brace alone.

    >>> fill_code("w = {w0}; seen = {w}", {"w0": -3})
    'w = -3; seen = {w}'
    """
    return _substitute(code, numbers, _digits)


def number(value: float) -> str:
    """Write a number for a sentence, with at most six significant digits.

    >>> number(-0.1 - 0.2), number(1e-7)
    ('−0.3', '1e−7')
    """
    return _digits(value).replace("-", "−")


def _substitute(text: str, numbers: Mapping[str, float], write: Callable[[float], str]) -> str:
    return _PLACEHOLDER.sub(
        lambda match: write(numbers[match[1]]) if match[1] in numbers else match[0], text
    )


def _digits(value: float) -> str:
    if isinstance(value, Integral):
        return str(int(value))
    return re.sub(r"e([+-])0*(\d)", lambda m: "e" + m[1].strip("+") + m[2], f"{value:.6g}")


def _fill_math(piece: str, numbers: Mapping[str, float]) -> str:
    def latex(match: re.Match) -> str:
        if match[1] not in numbers:
            return match[0]
        mantissa, _, exponent = _digits(numbers[match[1]]).partition("e")
        written = rf"{mantissa} \times 10^{{{exponent}}}" if exponent else mantissa
        return f"{{{written}}}" if _ARGUMENT.search(piece[: match.start()]) else written

    return _PLACEHOLDER.sub(latex, piece)


def _paragraphs(text: str) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text.strip())]


def _render(paragraph: str, plain, code, math) -> str:
    """Render one paragraph by three functions; a star outside code and LaTeX stays marked."""

    def rendered(piece: str) -> str:
        if piece.startswith("`"):
            return code(piece[1:-1])
        if piece.startswith("$"):
            return math(piece[1:-1])
        return plain(_checked(piece)).replace("*", _STAR)

    return "".join(rendered(piece) for piece in _split(paragraph))


def _split(paragraph: str) -> list[str]:
    pieces = _VERBATIM.split(paragraph)
    outside = "".join(pieces[::2])
    if "$" in outside:
        raise MarkupError("unbalanced $ (each formula stands between two of them)")
    if "`" in outside:
        raise MarkupError("unbalanced backtick (inline code stands between two of them)")
    return pieces


def _checked(piece: str) -> str:
    if found := _HTML.search(piece):
        raise MarkupError(
            f"raw HTML {found[0]!r} (write code in backticks and comparisons as LaTeX)"
        )
    if "\\" in piece:
        raise MarkupError(f"LaTeX outside of $…$ in {piece.strip()!r}")
    if "**" in piece:
        raise MarkupError("** is not known here (write *emphasis*, and code in backticks)")
    return piece


def _emphasize(rendered: str, opening: str, closing: str, star: str) -> str:
    pair = re.compile(rf"{_STAR}(?=\S)([^{_STAR}]+)(?<=\S){_STAR}")
    return pair.sub(lambda match: opening + match[1] + closing, rendered).replace(_STAR, star)


def _mathml(latex: str) -> str:
    return ElementTree.tostring(_formula(latex), encoding="unicode")


@lru_cache(maxsize=4096)
def _formula(latex: str) -> ElementTree.Element:
    """Return the MathML tree of one formula, or refuse it."""
    from latex2mathml.converter import convert_to_element

    _check_latex(latex)
    try:
        formula = convert_to_element(latex)
    except Exception as error:  # the parser raises whatever it runs into
        raise MarkupError(f"LaTeX that cannot be read: ${latex}$ ({error!r})") from error
    for element in formula.iter():
        element.text = html.unescape(element.text or "")
        if "\\" in element.text or len(element) != _CHILDREN.get(element.tag, len(element)):
            raise MarkupError(f"LaTeX that cannot be read: ${latex}$ (an argument is missing)")
    return formula


def _check_latex(latex: str) -> None:
    for macro in _MACRO.findall(latex):
        if macro not in MACROS:
            raise MarkupError(f"LaTeX outside the closed list: \\{macro} in ${latex}$")
    for environment in re.findall(r"\\(?:begin|end)\s*\{([^}]*)\}", latex):
        if environment not in ENVIRONMENTS:
            raise MarkupError(f"LaTeX outside the closed list: the environment {environment!r}")
    bare = _MACRO.sub("", latex)
    if bare.count("{") != bare.count("}"):
        raise MarkupError(f"unbalanced braces in ${latex}$")
    if found := re.search(r"[%#]", bare):
        raise MarkupError(f"{found[0]} in ${latex}$ is a command to LaTeX (write it outside)")
    if r"\begin" not in latex and ("&" in latex or r"\\" in latex):
        raise MarkupError(f"& or \\\\ outside of a matrix in ${latex}$")
