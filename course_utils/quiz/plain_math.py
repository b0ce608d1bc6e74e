"""A formula's MathML tree as one line of plain Unicode, for a terminal and its screen reader.

LaTeX is not read here: `markup` checks it and makes the tree.
"""

import re
import unicodedata
from itertools import accumulate
from typing import NamedTuple
from xml.etree.ElementTree import Element

_ACCENTS = {"^": "hat", "¯": "bar", "―": "bar", "~": "tilde", "→": "vec", "˙": "dot", "¨": "ddot"}
_BRACES = {"⏞", "⏟"}
_BARS = "|‖"
_SUPERSCRIPTS = str.maketrans("0123456789+−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_MARKS = {"⊤": "ᵀ", "′": "′", "*": "*", "∗": "*", "⋆": "*"}
# Text that stays together beside a slash or under a root without brackets.
_ATOM = re.compile(
    r"[∂∇]?(?:\d+(?:\.\d+)?|[^\W\d_]+)(?:[₀-₉⁰¹²³⁴-⁹⁺⁻ᵀ′*]|[_^]\w+|[_^]\([^()]*\))*|…"
)

NUMBER, NAME, WORD, FRACTION = "number", "name", "word", "fraction"
OPERATOR, SIGN, BEFORE, AFTER = "operator", "sign", "before", "after"
OPEN, CLOSE, BAR, COMMA, TIGHT = "open", "close", "bar", "comma", "tight"
_ROLES = {
    **dict.fromkeys("([{⟨⌊⌈", OPEN),
    **dict.fromkeys(")]}⟩⌋⌉", CLOSE),
    **dict.fromkeys(_BARS, BAR),
    **dict.fromkeys("+−±∓", SIGN),
    **dict.fromkeys("∇∂", BEFORE),
    **dict.fromkeys("!%′", AFTER),
    **dict.fromkeys(",;", COMMA),
    **dict.fromkeys("/:", TIGHT),
    **dict.fromkeys("∑∏∫∀∃", WORD),
    "…": NAME,
}
_ENDS_A_FACTOR = (NUMBER, NAME, FRACTION, CLOSE, AFTER)
_BEGINS_A_FACTOR = (NUMBER, NAME, FRACTION, WORD, OPEN, BEFORE)


class _Piece(NamedTuple):
    """A part of a row, and the role by which it is spaced."""

    text: str
    role: str


def in_unicode(formula: Element) -> str:
    """Write a formula on one line: fractions with a slash, powers as ², indices as ₁ or _t."""
    return _piece(formula).text


def _piece(node: Element) -> _Piece:
    """Write one node of the tree."""
    tag, parts = node.tag.rpartition("}")[2], list(node)
    if tag in ("mi", "mo"):
        return _symbol(node.text.strip(), tag)
    if tag == "mn":
        return _Piece(node.text, NUMBER)
    if tag == "mtext":
        return _Piece(node.text.strip(), NAME)
    if tag == "mfrac":
        return _fraction(*parts, is_binomial=node.get("linethickness") == "0")
    if tag == "msqrt":
        return _Piece(f"√{_grouped(_row(parts).text)}", NAME)
    if tag == "mroot":
        radicand, index = (_piece(part).text for part in parts)
        return _Piece(f"{index.translate(_SUPERSCRIPTS)}√{_grouped(radicand)}", NAME)
    if tag in ("msub", "msup", "msubsup", "munder", "mover", "munderover"):
        return _scripted(tag, *parts)
    if tag == "mtable":
        rows = (", ".join(_piece(cell).text for cell in row) for row in parts)
        return _Piece("; ".join(rows), NAME)
    return _row(parts)


def _symbol(text: str, tag: str) -> _Piece:
    if text.isalpha():  # of a letter in a typeface screen readers spell out the long name
        text = unicodedata.normalize("NFKC", text)
    if text in _ROLES:
        return _Piece(text, _ROLES[text])
    if len(text) > 1 and text.isalpha():
        return _Piece(text, WORD)
    return _Piece(text, NAME if tag == "mi" else OPERATOR)


def _fraction(over: Element, under: Element, is_binomial: bool) -> _Piece:
    numerator, denominator = _piece(over).text, _piece(under).text
    if is_binomial:
        return _Piece(f"{numerator} over {denominator}", NAME)
    if re.search(r"[ /]", numerator) and not _is_grouped(numerator.removeprefix("√")):
        numerator = f"({numerator})"
    if not (denominator.startswith("√") and _is_grouped(denominator[1:])):
        denominator = _grouped(denominator)
    return _Piece(f"{numerator}/{denominator}", FRACTION)


def _scripted(tag: str, base: Element, *scripts: Element) -> _Piece:
    text, role = _piece(base)
    written = [_piece(script).text for script in scripts]
    if role in (NUMBER, NAME, FRACTION):
        text = _grouped(text)
    if (tag, written) == ("munder", ["―"]) or written[0] in _BRACES:
        return _Piece(text, role)
    if tag in ("munder", "mover") and written[0] in _ACCENTS:
        return _Piece(f"{text}_{_ACCENTS[written[0]]}", NAME)
    if tag in ("msub", "munder", "msubsup", "munderover"):
        text += _lowered(written.pop(0))
    return _Piece(text + "".join(_raised(script) for script in written), role)


def _raised(text: str) -> str:
    if set(text) <= _MARKS.keys():
        return "".join(_MARKS[mark] for mark in text)
    if re.fullmatch(r"[+−]?\d+", text):
        return text.translate(_SUPERSCRIPTS)
    return "^" + _as_one_word(text)


def _lowered(text: str) -> str:
    if text.isdecimal():
        return text.translate(_SUBSCRIPTS)
    return "_" + _as_one_word(text)


def _as_one_word(text: str) -> str:
    return text if text.isalnum() else f"({text})"


def _grouped(text: str) -> str:
    return text if _is_grouped(text) else f"({text})"


def _is_grouped(text: str) -> bool:
    """Say whether a text is one symbol, or stands in one pair of brackets."""
    if _ATOM.fullmatch(text):
        return True
    depths = list(accumulate((sign == "(") - (sign == ")") for sign in text))
    return text.startswith("(") and depths[-1] == 0 and 0 not in depths[:-1]


def _row(nodes: list[Element]) -> _Piece:
    pieces = [piece for piece in map(_piece, _flat(nodes)) if piece.text]
    if len(pieces) == 1:
        return pieces[0]
    pieces = _with_fractions_bracketed(_with_signs_told_apart(_with_bars_paired(pieces)))
    text = ""
    for i, piece in enumerate(pieces):
        text += (_gap(pieces[i - 1], piece) if i else "") + piece.text
    return _Piece(text, NAME)


def _flat(nodes: list[Element]) -> list[Element]:
    """Take rows within a row, which LaTeX makes of braces, as parts of that row."""
    flat = []
    for node in nodes:
        is_row = node.tag.rpartition("}")[2] in ("mrow", "mstyle")
        flat += _flat(list(node)) if is_row else [node]
    return flat


def _with_bars_paired(pieces: list[_Piece]) -> list[_Piece]:
    paired, opened = [], set()
    for text, role in pieces:
        if role == BAR:
            role = CLOSE if text[0] in opened else OPEN
            opened ^= {text[0]}
        paired.append(_Piece(text, role))
    return paired


def _with_signs_told_apart(pieces: list[_Piece]) -> list[_Piece]:
    """Give a sign between two terms the role of an operator, and another that of a prefix."""
    told = []
    for text, role in pieces:
        if role == SIGN:
            role = OPERATOR if told and told[-1].role in _ENDS_A_FACTOR else BEFORE
        told.append(_Piece(text, role))
    return told


def _with_fractions_bracketed(pieces: list[_Piece]) -> list[_Piece]:
    """Put brackets around a fraction that multiplies its neighbour, as in (1/2)w²."""
    roles = [None, *(piece.role for piece in pieces), None]
    return [
        _Piece(f"({text})", NAME)
        if role == FRACTION
        and (roles[i] in (*_ENDS_A_FACTOR, WORD) or roles[i + 2] in _BEGINS_A_FACTOR)
        else _Piece(text, role)
        for i, (text, role) in enumerate(pieces)
    ]


def _gap(left: _Piece, right: _Piece) -> str:
    """Return what stands between two neighbours: a space or nothing."""
    if left.role == OPEN or right.role in (CLOSE, COMMA, AFTER) or TIGHT in (left.role, right.role):
        return ""
    if left.role in (COMMA, OPERATOR) or right.role == OPERATOR:
        return " "
    if left.role == BEFORE:
        return ""
    if right.role == OPEN:
        return " " if left.role == NAME and right.text in _BARS else ""
    if left.role == WORD and right.text.startswith("("):
        return ""
    return "" if left.role == NUMBER and right.role not in (NUMBER, WORD) else " "
