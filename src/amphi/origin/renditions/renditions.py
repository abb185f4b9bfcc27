"""The smaller pictures of one stream, and how many streams of an origin may have them at once."""

import functools
import logging
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from amphi.origin.fmp4.flv import VideoFrame
from amphi.origin.hls.parts import Piece
from amphi.origin.hls.playlist import MediaPlaylist, Part, Segment
from amphi.origin.hls.render import Others, Variant
from amphi.origin.hls.segmenter import Segmenter
from amphi.origin.hls.tracks import TICKS_PER_MS
from amphi.origin.renditions.encoder import CODEC, Encoder, Form, Output
from amphi.origin.renditions.rendition import Rendition

logger = logging.getLogger(__name__)

# A still slide takes few bits at a constant quality; a film takes the most.
FORMS = (Form(480, 900_000, 24), Form(360, 500_000, 25))
UNWANTED_AFTER_S = 20
"""After the last request for a playlist of theirs; players ask several times a second."""
MAX_FAILURES, FAILURES_WITHIN_S = 3, 60
OVERHEAD = 1.1
"""How much larger than the pictures a segment may be; told of what was not measured yet."""


class Encoders:
    """Counts the streams that have an encoder.

    Args:
        ffmpeg: the path of ffmpeg.
        most: how many may run at once.
    """

    def __init__(self, ffmpeg: Path, most: int) -> None:
        self.ffmpeg = ffmpeg
        self._most = most
        self._users: set[object] = set()

    def reserve(self, user: object) -> bool:
        """Whether `user` may have an encoder until `release`."""
        if user not in self._users and not self.has_room:
            return False
        self._users.add(user)
        return True

    def release(self, user: object) -> None:
        self._users.discard(user)

    @property
    def has_room(self) -> bool:
        return len(self._users) < self._most


class Renditions:
    """Begins with the first request, ends when nobody asks any more.

    Args:
        name: the stream's name, for the log.
        playlist: the publisher's playlist.
        segmenter: what makes it.
        encoders: how many may run.
        others: the stream's playlists, without one of them.
    """

    def __init__(
        self,
        name: str,
        playlist: MediaPlaylist,
        segmenter: Segmenter,
        encoders: Encoders,
        others: Callable[[str], Others],
    ) -> None:
        self._name = name
        self._playlist = playlist
        self._segmenter = segmenter
        self._encoders = encoders
        self._others = others
        self._running: dict[str, Rendition] = {}
        self._encoder: Encoder | None = None
        self._failures: deque[float] = deque(maxlen=MAX_FAILURES)
        self._wanted_at = 0.0
        segmenter.on_picture = self._take_picture
        segmenter.on_part = self._take_part
        segmenter.on_segment = self.end_segment

    def want(self, name: str) -> Rendition | None:
        """The rendition of that name, which somebody asks for; None where there is none."""
        if not self._running and any(form.name == name for form in self.offered):
            self._start()
        found = self._running.get(name)
        if found is not None:
            self._wanted_at = monotonic()
        return found

    def of_session(self, session: str) -> Rendition | None:
        """The rendition whose files have that name."""
        return next((found for found in self._running.values() if found.playlist.session == session), None)

    @property
    def is_encoded(self) -> bool:
        return self._encoder is not None

    @property
    def offered(self) -> list[Form]:
        """What can be asked for now."""
        if self._running:
            return [found.form for found in self._running.values()]
        avc = self._segmenter.avc
        if avc is None or not self._playlist.ready or self._playlist.ended or not self._encoders.has_room:
            return []
        return [form for form in FORMS if form.height < avc.height]

    def playlists(self) -> Others:
        """The playlist of each that is offered; one that begins when it is asked for begins as far as the publisher's."""
        running = self._running
        return [
            (form.name, running[form.name].playlist if form.name in running else self._playlist)
            for form in self.offered
        ]

    def variants(self) -> list[Variant]:
        """What the multivariant playlist says of those that are offered."""
        return [self._variant(form) for form in self.offered]

    def _variant(self, form: Form) -> Variant:
        avc, aac, found = self._segmenter.avc, self._segmenter.aac, self._running.get(form.name)
        sound = (aac.codec,) if aac is not None else ()
        guess = int((form.most_bits_per_s + self._playlist.sound_rate.peak_bits_per_s) * OVERHEAD)
        measured = found.rate if found is not None else None
        own = found.avc if found is not None else None
        return Variant(
            form.name,
            (measured.peak_bits_per_s if measured is not None else 0) or guess,
            (own.codec if own is not None else CODEC, *sound),
            measured.average_bits_per_s if measured is not None else 0,
            (own.width, own.height) if own is not None else form.size(avc) if avc is not None else None,
            self._segmenter.frame_rate,
        )

    def _start(self) -> None:
        forms = self.offered
        if not self._encoders.reserve(self):
            return
        logger.info("%s: smaller pictures are asked for", self._name)
        self._running = {
            form.name: Rendition(
                self._playlist,
                form,
                others=functools.partial(self._others, form.name),
                on_late=self._too_late,
            )
            for form in forms
        }

    def _take_picture(self, frame: VideoFrame, dts: int) -> None:
        if not self._running:
            return
        avc = self._segmenter.avc
        if self._encoder is not None and self._encoder.avc != avc:
            self._stop_encoder()
        if self._encoder is None and avc is not None and self._may_try:
            outputs = {found.form: Output(found.take_picture) for found in self._running.values()}
            self._encoder = Encoder(self._encoders.ffmpeg, avc, outputs, self._encoder_ended)
            for found in self._running.values():
                found.use(outputs[found.form])
        if self._encoder is not None:
            self._encoder.feed(frame, dts // TICKS_PER_MS)

    @property
    def _may_try(self) -> bool:
        """Whether an encoder may be started: those that fail all the time are left alone for a while."""
        failures = self._failures
        return len(failures) < MAX_FAILURES or monotonic() - failures[0] > FAILURES_WITHIN_S

    def _take_part(self, segment: Segment, part: Part, piece: Piece) -> None:
        self._forget_if_unwanted()
        for found in self._running.values():
            found.take_part(segment, part, piece, self._segmenter.aac)

    def take_slate(self, segment: Segment, part: Part, _piece: Piece) -> None:
        """A part of a slate was added."""
        self._forget_if_unwanted()
        for found in self._running.values():
            found.take_part(segment, part, None, None)

    def _forget_if_unwanted(self) -> None:
        if self._running and monotonic() - self._wanted_at > UNWANTED_AFTER_S:
            logger.info("%s: nobody asks for smaller pictures any more", self._name)
            self._stop()
            self._running = {}

    def end_segment(self) -> None:
        """A segment of the publisher's playlist is complete."""
        for found in self._running.values():
            found.end_segment()

    def _too_late(self) -> None:
        if self._encoder is not None:
            self._encoder.fail("it does not keep up")

    def _encoder_ended(self, encoder: Encoder, reason: str) -> None:
        if encoder is not self._encoder:
            return
        logger.warning("%s: the encoder of smaller pictures ended: %s", self._name, reason)
        self._failures.append(monotonic())
        self._stop_encoder()

    def _stop_encoder(self) -> None:
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            encoder.stop()
        for found in self._running.values():
            found.use(None)

    def _stop(self) -> None:
        self._stop_encoder()
        self._encoders.release(self)

    def end(self) -> None:
        """The stream has ended: its playlists say so."""
        self._stop()
        for found in self._running.values():
            found.end()
