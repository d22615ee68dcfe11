"""What text files of motion share: lines of words and numbers, and errors that name the line."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from painet_cli.errors import RequestError

LARGEST_NUMBER = 1e9
"""Far above any real angle or length: no arithmetic with such numbers overflows."""

MOST_LINES = 3_000_000
LONGEST_LINE = 10_000
"""Words take many times the memory of their bytes."""

NOT_WHOLE = "the file may have been cut short: get it again"

Row = tuple[int, list[str]]
"""Number and words of a line."""


def bad_line(where: str, line: int, what: str, hint: str) -> RequestError:
    """Error of a line of the file called `where`."""
    return RequestError(f"{where}:{line}: {what}", hint)


def quote(word: str) -> str:
    """Quote a word of a file for an error, safe to print and not too long."""
    return repr(word if len(word) <= 40 else word[:37] + "...")


def decoded(raw: bytes) -> str:
    """Text of a file: UTF-8, and where it is none Latin-1, which reads any byte."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def rows(raw: bytes, where: str) -> list[Row]:
    """Lines that are neither blank nor comment.

    Raises
    ------
    RequestError
        The bytes are no text, or more than any recording's.
    """
    if b"\0" in raw:
        line = len(raw[: raw.index(b"\0") + 1].splitlines())
        raise bad_line(where, line, "not text (a zero byte)", "ASF and AMC files are plain text")
    hint = "is it the right file?"
    if raw.count(b"\n") + raw.count(b"\r") > MOST_LINES:
        raise bad_line(where, 1, f"the first of more than {MOST_LINES:,} lines", hint)
    split = raw.splitlines()
    if len(max(split, key=len, default=b"")) > LONGEST_LINE:
        line = next(k for k, text in enumerate(split, start=1) if len(text) > LONGEST_LINE)
        raise bad_line(where, line, f"longer than {LONGEST_LINE:,} letters", hint)
    lines = (decoded(line.partition(b"#")[0]).split() for line in split)
    found = [(number, words) for number, words in enumerate(lines, start=1) if words]
    if not found:
        raise bad_line(where, 1, "the file is empty", NOT_WHOLE)
    return found


def numbers(words: Sequence[str], where: str, line: int) -> list[float]:
    """Values of decimal numbers.

    Raises
    ------
    RequestError
        A word is no finite number.
    """
    values = []
    for word in words:
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        # Python reads 1_0 as ten; and no comparison with NaN holds.
        if "_" in word or not abs(value) <= LARGEST_NUMBER:
            what = f"{quote(word)} is not a finite number"
            with_point = "with a point in place of the comma, " * ("," in word)
            hint = f"expected a number, {with_point}at most {LARGEST_NUMBER:g}"
            raise bad_line(where, line, what, hint)
        values.append(value)
    return values


@dataclass(frozen=True)
class Block:
    """The `key value ...` lines of the root or of a bone.

    Attributes
    ----------
    where, line
        File and line of its heading.
    title
        What errors call it.
    fields
        Line and values of each key.
    """

    where: str
    line: int
    title: str
    fields: dict[str, Row]

    @classmethod
    def collect(cls, where: str, title: str, rows: Sequence[Row], keys: Collection[str]) -> Block:
        """Take the lines of some keys, all that matter here, from below the heading `rows[0]`.

        Raises
        ------
        RequestError
            A key stands there twice.
        """
        fields: dict[str, Row] = {}
        for line, (word, *values) in rows[1:]:
            key = word.lower()
            if key in keys and key in fields:
                hint = "expected one: is a 'begin' missing between them?"
                raise bad_line(where, line, f"a second '{key}' line", hint)
            if key in keys:
                fields[key] = line, values
        return cls(where, rows[0][0], title, fields)

    def row(self, key: str) -> Row:
        """Line and values of a key.

        Raises
        ------
        RequestError
            There is none.
        """
        if key not in self.fields:
            what = f"{self.title} has no '{key}' line"
            raise bad_line(self.where, self.line, what, "every bone needs one")
        return self.fields[key]

    def numbers(self, key: str, count: int, *, tail: int = 0) -> list[float]:
        """Read `count` numbers, behind which `tail` words stand.

        Raises
        ------
        RequestError
            Something else stands there.
        """
        line, words = self.row(key)
        if len(words) != count + tail:
            expected = " ".join([key, *["NUMBER"] * count, *["XYZ"] * tail])
            what = f"{self.title}: {quote(' '.join([key, *words]))} is not read"
            raise bad_line(self.where, line, what, f"expected '{expected}'")
        return numbers(words[:count], self.where, line)

    def order(self, before: int) -> str:
        """Order of three rotations, such as `xyz`, behind `before` numbers of the axis.

        Raises
        ------
        RequestError
            It is none.
        """
        line, words = self.row("axis")
        found = words[before].lower() if len(words) == before + 1 else ""
        if sorted(found) != ["x", "y", "z"]:
            what = f"{self.title}: {quote(' '.join(['axis', *words]))} is not read"
            expected = " ".join(["axis", *["NUMBER"] * before, "XYZ"])
            hint = f"expected '{expected}', the axes in any order"
            raise bad_line(self.where, line, what, hint)
        return found
