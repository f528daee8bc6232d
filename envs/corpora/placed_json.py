"""JSON whose objects know the line on which they begin."""

import json
from json import decoder, scanner
from typing import Any

from lingym.envs.corpora.strict_json import DECODER, check_pairs, reason


class Placed(dict[str, Any]):
    """An object of a text, and the line from 1 on which it begins."""

    line: int


def decode(text: str) -> Any:
    """Reads a text as `strict_json.DECODER` would, but every object is a `Placed`.

    Raises:
        json.JSONDecodeError: the text is no JSON, or `strict_json` refuses it; the error's place is
            that of the fault, or of the object that holds it.
    """
    try:
        return _Decoder().decode(text)
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError):
            raise
        raise json.JSONDecodeError(reason(error), text, 0) from None


class _Decoder(json.JSONDecoder):
    """The decoder of json in Python, for the one in C tells no places; strings are still read in C.

    Objects that hold others end after them: the lines are counted on from object to object.
    """

    def __init__(self) -> None:
        super().__init__(
            object_pairs_hook=DECODER.object_pairs_hook,
            parse_constant=DECODER.parse_constant,
            parse_float=DECODER.parse_float,
        )
        self._at, self._line = 0, 1
        self.parse_object = self._object
        self.scan_once = scanner.py_make_scanner(self)  # type: ignore[attr-defined]

    def _object(self, state: tuple[str, int], *settings: Any) -> tuple[Placed, int]:
        text, at = state[0], state[1] - 1
        self._line += text.count("\n", self._at, at)
        self._at, line = at, self._line
        try:
            value, end = decoder.JSONObject(state, *settings)  # type: ignore[attr-defined]
            check_pairs(value, text[at:end])
        except json.JSONDecodeError:
            raise
        except ValueError as error:
            raise json.JSONDecodeError(reason(error), text, at) from None
        placed = Placed(value)
        placed.line = line
        return placed, end
