"""Inequalities between numbers and names, such as ``train.batch_size * train.epochs <= 160``. Pure; nothing is run.

    inequality = sum ("<=" | ">=" | "<" | ">") sum
    sum        = product {("+" | "-") product}
    product    = factor {("*" | "/") factor}
    factor     = number | name | "-" factor | "(" sum ")"

A name is a dotted key, a word, or a metric with its dimension, such as ``128/cosine_map@100``.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(?:(?P<metric>\d+/[a-z]+_[a-z]+@\d+)|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*(?:\.\w+)*)|(?P<sign><=|>=|[<>+\-*/()]))"
)
_COMPARISONS = ("<=", ">=", "<", ">")
_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip
_DEEPEST = 50
"""Parentheses within each other."""
FAR = 1e9
"""The amount of a violation that has none, such as that of a division by zero."""

Expression = float | str | tuple[str, "Expression", "Expression"]
"""A number, a name, or an operation on two expressions."""


@dataclass(frozen=True)
class Inequality:
    """An inequality as it was written, and its sides.

    Attributes:
        text: As written.
        left: Must not be above ``right``.
        right: See there.
        strict: Whether the sides must differ.
    """

    text: str
    left: Expression
    right: Expression
    strict: bool

    @property
    def names(self) -> list[str]:
        """The names in it, each once."""
        return list(dict.fromkeys([*_names(self.left), *_names(self.right)]))

    def excess(self, value: Callable[[str], float]) -> float:
        """By how much it is broken: above 0 if it is, 0 or below if it holds.

        Args:
            value: What a name stands for.
        """
        try:
            amount = _evaluate(self.left, value) - _evaluate(self.right, value)
        except (ZeroDivisionError, OverflowError):
            return FAR
        if not math.isfinite(amount):
            return -FAR if amount == -math.inf else FAR
        return math.ulp(0.0) if self.strict and amount == 0 else amount


def parse_inequality(text: str) -> Inequality:
    """Read an inequality.

    Raises:
        ValueError: It does not follow the grammar; says where.
    """
    return _Parser(text).inequality()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [*_tokens(text), ("end", "")]
        self._place = self._depth = 0

    def inequality(self) -> Inequality:
        left = self._sum()
        sign = self._take(*_COMPARISONS)
        if sign is None:
            raise self._wrong("one of <=, >=, < and >")
        right = self._sum()
        if self._tokens[self._place][0] != "end":
            raise self._wrong("nothing more")
        if sign.startswith(">"):
            left, right = right, left
        return Inequality(self._text.strip(), left, right, strict="=" not in sign)

    def _sum(self) -> Expression:
        return self._chain(self._product, "+", "-")

    def _product(self) -> Expression:
        return self._chain(self._factor, "*", "/")

    def _chain(self, part: Callable[[], Expression], *signs: str) -> Expression:
        whole = part()
        while sign := self._take(*signs):
            whole = (sign, whole, part())
        return whole

    def _factor(self) -> Expression:
        kind, token = self._tokens[self._place]
        if kind != "sign" and kind != "end":
            self._place += 1
            return float(token) if kind == "number" else token
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} signs and parentheses within each other")
        inner: Expression
        if self._take("-"):
            inner = ("-", 0.0, self._factor())
        elif self._take("("):
            inner = self._sum()
            if not self._take(")"):
                raise self._wrong("a closing parenthesis")
        else:
            raise self._wrong("a number, a key or an outcome")
        self._depth -= 1
        return inner

    def _take(self, *signs: str) -> str | None:
        kind, token = self._tokens[self._place]
        if kind != "sign" or token not in signs:
            return None
        self._place += 1
        return token

    def _wrong(self, expected: str) -> ValueError:
        found = self._tokens[self._place][1] or "the end"
        return ValueError(f"{expected} must stand where {found} is")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise ValueError(f"{text[place:].strip()[:1]} has no meaning here")
        yield match.lastgroup, match[match.lastgroup]
        place = match.end()


def _names(expression: Expression) -> Iterator[str]:
    if isinstance(expression, str):
        yield expression
    elif isinstance(expression, tuple):
        yield from _names(expression[1])
        yield from _names(expression[2])


def _evaluate(expression: Expression, value: Callable[[str], float]) -> float:
    if isinstance(expression, str):
        return value(expression)
    if isinstance(expression, tuple):
        sign, left, right = expression
        return _OPERATIONS[sign](_evaluate(left, value), _evaluate(right, value))
    return expression
