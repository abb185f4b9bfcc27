"""AMF0, the encoding of RTMP's commands ("Action Message Format -- AMF 0", Adobe, 2007)."""

import struct
from collections.abc import Callable, Mapping, Sequence

from amphi.origin.exceptions import AMFError

NUMBER, BOOLEAN, STRING, OBJECT = 0x00, 0x01, 0x02, 0x03
NULL, UNDEFINED, ECMA_ARRAY, OBJECT_END = 0x05, 0x06, 0x08, 0x09
STRICT_ARRAY, DATE, LONG_STRING, UNSUPPORTED = 0x0A, 0x0B, 0x0C, 0x0D
XML_DOCUMENT, TYPED_OBJECT = 0x0F, 0x10

MAX_DEPTH = 16
MAX_VALUES = 4096
SHORT_STRING_BYTES = 0xFFFF


class _Decoder:
    """Decodes one message's values. Every read checks the end of the data and the limits."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._values = 0
        self._readers: dict[int, Callable[[int], object]] = {
            NUMBER: lambda _: self._number(),
            BOOLEAN: lambda _: self._take(1) != b"\0",
            STRING: lambda _: self._string(),
            OBJECT: self._properties,
            NULL: lambda _: None,
            UNDEFINED: lambda _: None,
            UNSUPPORTED: lambda _: None,
            ECMA_ARRAY: self._ecma_array,
            STRICT_ARRAY: self._strict_array,
            DATE: lambda _: self._date(),
            LONG_STRING: lambda _: self._long_string(),
            XML_DOCUMENT: lambda _: self._long_string(),
            TYPED_OBJECT: self._typed_object,
        }

    def values(self) -> list[object]:
        values = []
        while self._at < len(self._data):
            values.append(self._value(0))
        return values

    def _take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise AMFError("a value is cut off")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def _value(self, depth: int) -> object:
        self._values += 1
        if depth > MAX_DEPTH or self._values > MAX_VALUES:
            raise AMFError("too many or too deeply nested values")
        marker = self._take(1)[0]
        reader = self._readers.get(marker)
        if reader is None:
            raise AMFError(f"unknown type marker 0x{marker:02x}")
        return reader(depth)

    def _number(self) -> float:
        return float(struct.unpack(">d", self._take(8))[0])

    def _string(self) -> str:
        return self._take(int.from_bytes(self._take(2))).decode("utf-8", "replace")

    def _long_string(self) -> str:
        return self._take(int.from_bytes(self._take(4))).decode("utf-8", "replace")

    def _date(self) -> float:
        milliseconds = self._number()
        self._take(2)  # the time zone, reserved
        return milliseconds

    def _properties(self, depth: int) -> dict[str, object]:
        properties: dict[str, object] = {}
        while True:
            name = self._string()
            if not name and self._data[self._at : self._at + 1] == bytes([OBJECT_END]):
                self._at += 1
                return properties
            properties[name] = self._value(depth + 1)

    def _ecma_array(self, depth: int) -> dict[str, object]:
        self._take(4)  # the count is a hint that publishers get wrong
        return self._properties(depth)

    def _strict_array(self, depth: int) -> list[object]:
        return [self._value(depth + 1) for _ in range(min(int.from_bytes(self._take(4)), MAX_VALUES + 1))]

    def _typed_object(self, depth: int) -> dict[str, object]:
        self._string()  # the class's name
        return self._properties(depth)


def decode(data: bytes) -> list[object]:
    """The values of a message: `float`, `bool`, `str`, `None`, `dict` and `list`; a date is its milliseconds.

    Raises:
        AMFError: a value is cut off or of an unknown type, or `MAX_DEPTH` or `MAX_VALUES` is exceeded.
    """
    return _Decoder(data).values()


def _encode_string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw


def _encode_properties(properties: Mapping[str, object]) -> bytes:
    body = b"".join(_encode_string(name) + _encode_value(value) for name, value in properties.items())
    return body + b"\0\0" + bytes([OBJECT_END])


def _encode_value(value: object) -> bytes:  # noqa: PLR0911 -- one arm a type
    match value:
        case None:
            return bytes([NULL])
        case bool():
            return bytes([BOOLEAN, value])
        case int() | float():
            return bytes([NUMBER]) + struct.pack(">d", value)
        case str() if len(value.encode()) <= SHORT_STRING_BYTES:
            return bytes([STRING]) + _encode_string(value)
        case str():
            return bytes([LONG_STRING]) + struct.pack(">I", len(value.encode())) + value.encode()
        case Mapping():
            return bytes([OBJECT]) + _encode_properties(value)
        case Sequence():
            return bytes([STRICT_ARRAY]) + struct.pack(">I", len(value)) + encode(*value)
        case _:
            raise TypeError(f"{type(value).__name__} has no form in AMF0")


def encode(*values: object) -> bytes:
    """Encode numbers, booleans, texts, `None`, mappings (as objects) and sequences (as strict arrays)."""
    return b"".join(map(_encode_value, values))
