"""A Whisper server with OpenAI's address for transcriptions, as speaches (once faster-whisper-server) has it.

Source: https://github.com/speaches-ai/speaches, ``docs/usage/speech-to-text.md``: ``POST /v1/audio/transcriptions``, a form with ``file``
(a WAV), ``model``, ``language`` and ``response_format=json``, answered by ``{"text": …}``. It recognises whole sentences, so they
are found here, by the pauses between them.
"""

import io
import json
import secrets
import wave

from amphi.captioning.decoding import RATE
from amphi.captioning.engines import Heard
from amphi.captioning.engines.utterances import Utterance, Utterances
from amphi.captioning.exceptions import EngineError
from amphi.system import outbound

PATH = "/v1/audio/transcriptions"
ANSWER_TIMEOUT_S = 15.0
CHECK_TIMEOUT_S = 8.0
HTTP_OK = 200


class WhisperEngine:
    """A server, for all languages that its model knows.

    Args:
        url: the server's address, without a path.
        model: the model that it is to use.
        key: what it wants in ``Authorization: Bearer``; empty for nothing.
    """

    def __init__(self, url: str, *, model: str, key: str = "") -> None:
        self._url = url + PATH
        self._model = model
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._caller = outbound.Caller(timeout_s=ANSWER_TIMEOUT_S, connect_timeout_s=3, headers=headers)

    def open(self, language: str) -> "WhisperRecogniser":
        """A recogniser; the server is first called at the end of a sentence."""
        return WhisperRecogniser(self, language)

    def check(self, language: str) -> None:
        """Have it hear half a second of silence."""
        self.recognise(bytes(RATE), language, timeout_s=CHECK_TIMEOUT_S)

    def recognise(self, pcm: bytes, language: str, *, timeout_s: float = ANSWER_TIMEOUT_S) -> str:
        """The text of one sentence. Raises `EngineError`."""
        fields = {"model": self._model, "language": language, "response_format": "json"}
        content_type, body = _form(fields, _wav(pcm))
        try:
            answer = self._caller.call(
                "POST", self._url, headers={"Content-Type": content_type}, content=body, timeout_s=timeout_s
            )
        except outbound.OutboundError as error:
            raise EngineError(f"the Whisper server: {error}") from error
        if answer.status != HTTP_OK:
            raise EngineError(f"the Whisper server answers {answer.status}")
        try:
            text = json.loads(answer.body)["text"]
        except (ValueError, RecursionError, KeyError, TypeError):
            text = None
        if not isinstance(text, str):
            raise EngineError("what answers is no Whisper server: it sent no text")
        return " ".join(text.split())


class WhisperRecogniser:
    """Finds the sentences and has the server recognise them."""

    def __init__(self, engine: WhisperEngine, language: str) -> None:
        self._engine = engine
        self._language = language
        self._utterances = Utterances()

    def hear(self, pcm: bytes) -> list[Heard]:
        """What was said in the sentences that end in some more sound."""
        return self._heard(self._utterances.hear(pcm))

    def finish(self) -> list[Heard]:
        """What was said in the sentence that goes on."""
        return self._heard(self._utterances.finish())

    def close(self) -> None:
        """There is nothing to free."""

    def _heard(self, found: list[Utterance]) -> list[Heard]:
        texts = [(one, self._engine.recognise(one.pcm, self._language)) for one in found]
        return [Heard(text, one.start_s, one.end_s, is_final=True) for one, text in texts if text]


def _wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE)
        written.writeframes(pcm)
    return file.getvalue()


def _form(fields: dict[str, str], wav: bytes) -> tuple[str, bytes]:
    """A form of RFC 7578: its content type and its body."""
    boundary = f"amphi-{secrets.token_hex(12)}"
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in fields.items()
    ]
    parts.append(
        b'Content-Disposition: form-data; name="file"; filename="said.wav"\r\nContent-Type: audio/wav\r\n\r\n'
        + wav
    )
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()
