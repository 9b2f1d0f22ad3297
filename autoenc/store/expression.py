"""Filters as text, such as `price < 50 and brand in (Nike, Puma) and not gender = Kids`.

    filter     = all {"or" all}
    all        = one {"and" one}
    one        = "not" one | "(" filter ")" | comparison
    comparison = field ("=" | "!=" | "<" | "<=" | ">" | ">=") value
               | field ["not"] "in" "(" value {"," value} ")"
               | field ["not"] "contains" value
               | field "is" ["not"] "null"

Fields and values stand bare, or in single or double quotes if they hold spaces, commas, parentheses or signs.
"""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from autoenc.errors import ArgumentError
from autoenc.store.where import And, Contains, Filter, Not, Or, Range

MAX_DEPTH = 50
"""The most parentheses and `not`s inside one another."""

_SIGNS = {"=": "", "!=": "", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_TOKEN = r"""\s*(?:
        (?P<quoted> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*')
      | (?P<sign> [<>!]=? | = | [(),])
      | (?P<bare> [^\s(),=<>!"'] (?:(?!!=)[^\s(),=<>])*)
      | (?P<end> $)
    )"""
_ESCAPED = re.compile(r"""\\(["'\\])""")


class _Token(NamedTuple):
    kind: str  # quoted, sign, bare or end
    text: str
    at: int  # index of its first character

    def is_word(self, word: str) -> bool:
        return self.kind == "bare" and self.text.lower() == word

    def is_sign(self, sign: str) -> bool:
        return self.kind == "sign" and self.text == sign


def parse(text: str) -> Filter:
    """A text expression as mappings, And, Or and Not.

    Raises:
        ArgumentError: the text is no expression; the message tells the place.

    Example:
        >>> parse("price < 50 and not brand in (Nike, 'Flying Machine')")
        And(filters=({'price': Range(gte=None, gt=None, lte=None, lt='50')},
                     Not(filter={'brand': ['Nike', 'Flying Machine']})))
    """
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0
        self._tokens = re.compile(_TOKEN, re.VERBOSE)  # here, because queries without an expression can do without
        self._token = self._read(0)

    def whole(self) -> Filter:
        found = self._any()
        if self._token.is_sign(","):
            self._fail("no comma: numbers have a decimal point (49.90), and several values stand in 'in (A, B)'")
        if self._token.kind != "end":
            self._fail("'and', 'or' or the end (quote what holds spaces)")
        return found

    def _any(self) -> Filter:
        parts = [self._all()]
        while self._took("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Or(*parts)

    def _all(self) -> Filter:
        parts = [self._one()]
        while self._took("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else And(*parts)

    def _one(self) -> Filter:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(f"at most {MAX_DEPTH} parentheses and `not`s inside one another")
        if self._took("not"):
            found: Filter = Not(self._one())
        elif self._token.is_sign("("):
            self._next()
            found = self._any()
            self._expect(")")
        else:
            found = self._comparison()
        self._depth -= 1
        return found

    def _comparison(self) -> Filter:
        field = self._name('a field, such as price or "base color"')
        if self._token.kind == "sign" and self._token.text in _SIGNS:
            sign = self._next().text
            if sign == self._token.text == "=":
                self._fail("a value: one '=' is enough")
            value = self._name(f"a value after '{sign}', such as 50 or \"light blue\"")
            if bound := _SIGNS[sign]:
                return {field: Range(**{bound: value})}
            return {field: value} if sign == "=" else Not({field: value})
        if self._took("is"):
            negated = self._took("not")
            if not self._took("null"):
                self._fail("'null'" if negated else "'null' or 'not null' after 'is'")
            return Not({field: None}) if negated else {field: None}
        negated = self._took("not")
        if self._took("in"):
            self._expect("(")
            values = [self._name("a value")]
            while self._token.is_sign(","):
                self._next()
                values.append(self._name("a value"))
            self._expect(")")
            found: Filter = {field: values}
        elif self._took("contains"):
            found = {field: Contains(self._name("words after 'contains', such as \"red shoe\""))}
        elif negated:
            self._fail("'in' or 'contains' after 'not'")
        else:
            self._fail(f"one of {' '.join(_SIGNS)} in contains is after the field {field!r}")
        return Not(found) if negated else found

    # ---- tokens -----------------------------------------------------------------------------------

    def _name(self, what: str) -> str:
        if self._token.kind not in ("bare", "quoted"):
            self._fail(what)
        token = self._next()
        return _ESCAPED.sub(r"\1", token.text[1:-1]) if token.kind == "quoted" else token.text

    def _expect(self, sign: str) -> None:
        if not self._token.is_sign(sign):
            self._fail(
                f"'{sign}'" if sign == "(" else "',' or ')'" if self._token.kind != "end" else f"a closing '{sign}'"
            )
        self._next()

    def _took(self, word: str) -> bool:
        if not self._token.is_word(word):
            return False
        self._next()
        return True

    def _next(self) -> _Token:
        token = self._token
        self._token = self._read(token.at + len(token.text))
        return token

    def _read(self, start: int) -> _Token:
        match = self._tokens.match(self._text, start)
        if match is None or match.lastgroup is None:
            at = start + len(self._text[start:]) - len(self._text[start:].lstrip())
            self._token = _Token("sign", self._text[at], at)
            self._fail("a closing quote")
        return _Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup))

    def _fail(self, expected: str) -> NoReturn:
        at = self._token.at
        rest = self._text[at : at + 40]
        place = f"column {at + 1}, before {rest!r}" if rest else "its end"
        raise ArgumentError(f"The filter where= {self._text!r} cannot be read at {place}: expected {expected}.")
