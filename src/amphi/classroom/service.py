"""The actions of the classroom. Each changes the state, then informs the pages and the hooks."""

import asyncio
import logging
import re

from amphi.classroom import events, pdf
from amphi.classroom.clock import Clock
from amphi.classroom.config import Config
from amphi.classroom.connections import Connection, Connections, Message
from amphi.classroom.delivery import Delivery
from amphi.classroom.documents import Document, fetch
from amphi.classroom.exceptions import InvalidDocumentError, RefusedError
from amphi.classroom.hooks import Hooks
from amphi.classroom.parameters import MeetingOptions
from amphi.classroom.rooms import (
    Audio,
    ChatMessage,
    Creation,
    EndReason,
    JoinRequest,
    Meeting,
    Participant,
    Rooms,
)

logger = logging.getLogger(__name__)

# BigBlueButton 3.0 renders its chat as Markdown. Of that, the room only undoes the escapes.
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
END_CALLBACK = "endcallbackurl"
MAX_CHAT_TEXT = 5000
WORDS_A_LINE = 8


def describe_participant(participant: Participant) -> Message:
    """A participant, as sent to the pages."""
    return {
        "id": participant.user_id,
        "client": participant.client,
        "name": participant.request.name,
        "moderator": participant.moderator,
        "presenter": participant.presenter,
        "bot": participant.request.bot,
        "audio": participant.audio,
        "muted": participant.muted,
        "camera": participant.camera,
        "screen": participant.screen,
        "hand": participant.hand_raised,
        "away": participant.away_since is not None,
    }


def describe_message(message: ChatMessage, *, is_markdown: bool) -> Message:
    return {
        "id": message.message_id,
        "text": _ESCAPED.sub(r"\1", message.text) if is_markdown else message.text,
        "sender": message.sender_id,
        "name": message.sender_name,
        "at": round(message.at * 1000),
    }


class Classroom:
    """The server's actions. Most run without awaiting, so no two of them interleave."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.rooms = Rooms()
        self.hooks = Hooks(uuids=config.profile.webhooks >= 3)  # noqa: PLR2004 -- the first with UUIDs
        self.delivery = Delivery(config, clock, self.hooks)
        self.connections = Connections()
        self._fetches: set[asyncio.Task[None]] = set()

    def create(self, options: MeetingOptions, documents: list[Document]) -> Creation:
        """Create a meeting, or find it. Raises the errors of `Rooms.create`."""
        creation = self.rooms.create(options, self.clock.now())
        if not creation.duplicate:
            self.delivery.emit(events.meeting_created(creation.meeting, self.clock.now()))
            self.insert_documents(creation.meeting, documents)
        return creation

    def join(self, meeting: Meeting, request: JoinRequest) -> Participant:
        """Register a participant. Raises the errors of `Meeting.register`."""
        return self.rooms.join(meeting, request, self.clock.now())

    def enter(self, meeting: Meeting, participant: Participant, client: str) -> Connection:
        """Connect a participant's page. Raises the errors of `Meeting.enter`."""
        new = meeting.enter(participant, client, self.clock.now())
        if new:
            self.delivery.emit(events.user_joined(meeting, participant, self.clock.now()))
        self._appoint_presenter(meeting)
        connection = self.connections.open(participant.user_id, client)
        self.connections.send(participant.user_id, self._welcome(meeting, participant))
        self.connections.replay(participant.user_id, connection)
        self._announce(meeting, participant, but=participant)
        return connection

    def disconnect(self, meeting: Meeting, participant: Participant, connection: Connection) -> None:
        """Note a closed socket: its participant is away, and leaves unless they come back in time."""
        if self.connections.close(participant.user_id, connection) and participant.present:
            participant.away_since = self.clock.now()
            self._announce(meeting, participant)

    def leave(self, meeting: Meeting, participant: Participant) -> None:
        """Let a participant leave the room."""
        if not participant.present:
            return
        self._stop_media(meeting, participant)
        meeting.leave(participant, self.clock.now())
        self.connections.forget(participant.user_id)
        self._tell_everybody(meeting, {"type": "left", "id": participant.user_id})
        self.delivery.emit(events.user_event(meeting, participant, "user-left", self.clock.now()))
        self._appoint_presenter(meeting)

    def end(self, meeting: Meeting, reason: EndReason = "ended") -> None:
        """End a meeting for everybody."""
        user_ids = [participant.user_id for participant in meeting.present()]
        self.rooms.end(meeting, reason, self.clock.now())
        for user_id in user_ids:
            address = meeting.options.meeting_ended_url or meeting.participants[user_id].request.logout_url
            url = address or meeting.options.logout_url
            self.connections.send(user_id, {"type": "ended", "reason": reason, "url": url})
            self.connections.forget(user_id)
        self.delivery.emit(events.meeting_event(meeting, "meeting-ended", self.clock.now()))
        callback = meeting.options.metadata.get(END_CALLBACK, "")
        if callback.startswith(("http://", "https://")):
            self.delivery.call_end_callback(callback)
        logger.info("meeting %s: ended (%s)", meeting.internal_id, reason)

    def say(self, meeting: Meeting, text: str, participant: Participant) -> None:
        """Write a participant's message to everybody.

        Raises:
            RefusedError: there is no chat, or the text is empty or too long.
        """
        if meeting.options.chat_disabled:
            raise RefusedError("chat_disabled")
        if not text.strip() or len(text) > MAX_CHAT_TEXT:
            raise RefusedError("chat_length")
        self._say(meeting, text.strip(), participant.user_id, participant.request.name)

    def say_by_api(self, meeting: Meeting, text: str, sender: str) -> None:
        """Write a message sent by the API to everybody; does nothing when there is no chat."""
        if not meeting.options.chat_disabled:
            self._say(meeting, text, sender, sender)

    def transcribe(
        self, meeting: Meeting, participant: Participant, transcript_id: str, text: str, *, final: bool
    ) -> None:
        """Tell the hooks what a participant says, as their page heard it. BBB's own server sends the last two lines of eight words."""
        words = text[:MAX_CHAT_TEXT].split()
        if not words or not transcript_id:
            return
        lines = [" ".join(words[at : at + WORDS_A_LINE]) for at in range(0, len(words), WORDS_A_LINE)]
        event = events.transcript_updated(
            meeting,
            participant,
            self.clock.now(),
            transcript_id=f"{participant.user_id}-{transcript_id[:40]}",
            text="\n".join(lines[-2:]),
            final=final,
        )
        self.delivery.emit(event)

    def set_audio(self, meeting: Meeting, participant: Participant, audio: Audio, *, muted: bool) -> None:
        """Let a participant join or leave the audio, or mute the microphone. Raises the errors of `_check_publish`."""
        if audio == "microphone":
            self._check_publish(meeting, participant)
        before, was_muted = participant.audio, participant.muted
        participant.audio, participant.muted = audio, muted and audio == "microphone"
        now = self.clock.now()
        if before != audio:
            if before != "none":
                self.delivery.emit(events.audio_event(meeting, participant, now, enabled=False))
            if audio != "none":
                self.delivery.emit(events.audio_event(meeting, participant, now, enabled=True))
        elif was_muted != participant.muted:
            name = "user-audio-muted" if participant.muted else "user-audio-unmuted"
            self.delivery.emit(events.user_event(meeting, participant, name, now, muted=participant.muted))
        self._announce(meeting, participant)

    def set_camera(self, meeting: Meeting, participant: Participant, *, on: bool) -> None:
        """Turn a participant's camera on or off. Raises the errors of `_check_publish`."""
        if on == participant.camera:
            return
        if on:
            self._check_publish(meeting, participant)
        participant.camera = on
        name = "user-cam-broadcast-start" if on else "user-cam-broadcast-end"
        stream = f"camera-{participant.user_id}"
        self.delivery.emit(events.user_event(meeting, participant, name, self.clock.now(), stream=stream))
        self._announce(meeting, participant)

    def set_screen(self, meeting: Meeting, participant: Participant, *, on: bool) -> None:
        """Share a participant's screen, or stop sharing. Only one screen is shown at a time.

        Raises:
            RefusedError: too many publish already, or somebody else shares their screen.
        """
        if on == participant.screen:
            return
        if on:
            self._check_publish(meeting, participant)
            if any(other.screen for other in meeting.present()):
                raise RefusedError("screen_taken")
        participant.screen = on
        name = "meeting-screenshare-started" if on else "meeting-screenshare-stopped"
        self.delivery.emit(events.user_event(meeting, participant, name, self.clock.now()))
        self._announce(meeting, participant)

    def set_hand(self, meeting: Meeting, participant: Participant, *, raised: bool) -> None:
        """Raise or lower a participant's hand."""
        if raised == participant.hand_raised:
            return
        participant.hand_raised = raised
        now = self.clock.now()
        if self.config.profile.hand_is_emoji:
            emoji = "raiseHand" if raised else "none"
            event = events.user_event(meeting, participant, "user-emoji-changed", now, emoji=emoji)
        else:
            event = events.user_event(meeting, participant, "user-raise-hand-changed", now, raise_hand=raised)
        self.delivery.emit(event)
        self._announce(meeting, participant)

    def show_slide(
        self, meeting: Meeting, participant: Participant, presentation_id: str, page: int, *, hidden: bool
    ) -> None:
        """Turn to a page for everybody, or hide the slides.

        Raises:
            RefusedError: the participant is not a moderator, or the page does not exist.
        """
        if not participant.moderator:
            raise RefusedError("moderators_only")
        if hidden:
            meeting.slideshow.hidden = True
        else:
            meeting.slideshow.show(presentation_id, page)
        self._tell_slides(meeting)

    async def add_slides(self, meeting: Meeting, name: str, content: bytes, *, current: bool = True) -> None:
        """Show a PDF in the room.

        Raises:
            InvalidDocumentError: it can't be shown.
        """
        pages = await asyncio.to_thread(pdf.count_pages, content)
        meeting.slideshow.add(name, content, pages, current=current)
        self._tell_slides(meeting)

    def insert_documents(self, meeting: Meeting, documents: list[Document]) -> None:
        """Fetch and show documents of an API call, in the background."""
        if documents:
            task = asyncio.ensure_future(self._insert_documents(meeting, documents))
            self._fetches.add(task)
            task.add_done_callback(self._fetches.discard)

    def tick(self) -> None:
        """Remove participants who stayed away too long, and end meetings that are over."""
        now = self.clock.now()
        for meeting in self.rooms:
            if meeting.ended_at is not None:
                continue
            for participant in meeting.gone(now):
                self.leave(meeting, participant)
            reason = meeting.due_end(now)
            if reason is not None:
                self.end(meeting, reason)
        self.rooms.forget_ended(now)

    async def close(self) -> None:
        """Stop all background tasks."""
        for task in self._fetches:
            task.cancel()
        await self.delivery.close()

    async def _insert_documents(self, meeting: Meeting, documents: list[Document]) -> None:
        for document in documents:
            try:
                await self.add_slides(
                    meeting,
                    document.name,
                    await fetch(document, self.config.trust()),
                    current=document.current,
                )
            except InvalidDocumentError as error:
                logger.warning("meeting %s: presentation refused: %s", meeting.internal_id, error.reason)

    def _welcome(self, meeting: Meeting, participant: Participant) -> Message:
        return {
            "type": "welcome",
            "self": participant.user_id,
            "participants": [describe_participant(other) for other in meeting.present()],
            "chat": [self._describe_message(message) for message in meeting.chat],
            "slides": meeting.slideshow.as_message(),
        }

    def _say(self, meeting: Meeting, text: str, sender_id: str, sender_name: str) -> None:
        message = meeting.say(text, sender_id, sender_name, self.clock.now())
        self._tell_everybody(meeting, {"type": "chat", "message": self._describe_message(message)})
        self.delivery.emit(events.chat_sent(meeting, message, self.clock.now()))

    def _describe_message(self, message: ChatMessage) -> Message:
        return describe_message(message, is_markdown=self.config.profile.send_chat_message)

    def _check_publish(self, meeting: Meeting, participant: Participant) -> None:
        if not participant.publishing and not meeting.can_publish(participant):
            raise RefusedError("too_many_publishers")

    def _stop_media(self, meeting: Meeting, participant: Participant) -> None:
        self.set_screen(meeting, participant, on=False)
        self.set_camera(meeting, participant, on=False)
        if participant.audio != "none":
            self.set_audio(meeting, participant, "none", muted=False)

    def _appoint_presenter(self, meeting: Meeting) -> None:
        presenter = meeting.next_presenter()
        if presenter is not None:
            presenter.presenter = True
            now = self.clock.now()
            self.delivery.emit(events.user_event(meeting, presenter, "user-presenter-assigned", now))
            self._announce(meeting, presenter)

    def _announce(
        self, meeting: Meeting, participant: Participant, *, but: Participant | None = None
    ) -> None:
        """Send a participant's new state to the room."""
        message = {"type": "participant", "participant": describe_participant(participant)}
        others = (p.user_id for p in meeting.present() if p is not but)
        self.connections.broadcast(others, message)

    def _tell_slides(self, meeting: Meeting) -> None:
        self._tell_everybody(meeting, {"type": "slides", "slides": meeting.slideshow.as_message()})

    def _tell_everybody(self, meeting: Meeting, message: Message) -> None:
        self.connections.broadcast((p.user_id for p in meeting.present()), message)
