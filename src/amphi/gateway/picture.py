"""A screen's picture in the colours that an encoder takes, kept up to date where the screen changes."""

import ctypes
import functools

from amphi.gateway.exceptions import CaptureFailedError
from amphi.gateway.packets import HEIGHT, WIDTH
from amphi.gateway.screen import Screen
from amphi.gateway.x11 import Rectangle

LIBRARY = "libyuv.so.0"
_ALIGNED = 16  # pixels: libyuv converts as many at once
EVERYTHING = Rectangle(0, 0, WIDTH, HEIGHT)


@functools.cache
def _converter() -> "ctypes._NamedFuncPointer":
    """The converter of libyuv, ARGBToI420: BT.601, limited range. Its "ARGB" is blue, green, red in memory.

    Raises:
        CaptureFailedError: the library is not installed.
    """
    try:
        convert = ctypes.CDLL(LIBRARY).ARGBToI420
    except OSError:
        raise CaptureFailedError(f"the picture can't be converted: {LIBRARY} is not installed") from None
    convert.argtypes = [*(ctypes.c_void_p, ctypes.c_int) * 4, ctypes.c_int, ctypes.c_int]
    return convert


class Picture:
    """The picture of a screen as I420: all of the luma, then the two chroma planes of a quarter each."""

    def __init__(self, screen: Screen) -> None:
        self._convert = _converter()
        self._line_bytes = screen.line_bytes
        self._pixels = ctypes.addressof(ctypes.c_char.from_buffer(screen.pixels, screen.start))
        self._owner = screen  # keeps the memory
        self._data = bytearray(WIDTH * HEIGHT * 3 // 2)
        self._luma = ctypes.addressof(ctypes.c_char.from_buffer(self._data))

    def update(self, area: Rectangle) -> None:
        """Take over what the screen shows in an area."""
        left, top = max(0, area.left) // _ALIGNED * _ALIGNED, max(0, area.top) // 2 * 2
        right = min(WIDTH, -(-area.right // _ALIGNED) * _ALIGNED)
        bottom = min(HEIGHT, -(-area.bottom // 2) * 2)
        if right <= left or bottom <= top:
            return
        chroma = self._luma + WIDTH * HEIGHT + top // 2 * (WIDTH // 2) + left // 2
        self._convert(
            *(self._pixels + top * self._line_bytes + 4 * left, self._line_bytes),
            *(self._luma + top * WIDTH + left, WIDTH),
            *(chroma, WIDTH // 2),
            *(chroma + WIDTH * HEIGHT // 4, WIDTH // 2),
            *(right - left, bottom - top),
        )

    def differs_from(self, copy: bytes) -> bool:
        return self._data != copy

    def copy(self) -> bytes:
        return bytes(self._data)
