"""What differs between the versions of BigBlueButton that the classroom can play."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """One version of BBB, as its callers see it.

    Attributes:
        version: as the version probe tells it.
        send_chat_message: the call exists (3.0).
        bot: ``bot=true`` and ``enforceLayout`` are understood (3.0).
        join_by_post: join may be a POST (before 3.0).
        webhooks: the generation of bbb-webhooks that comes with it, 2 or 3: other events, other signatures, and a hook's id is a
            UUID only since 3.
        hook_digests: the hashes that the ``hooks/`` calls accept and deliveries may be signed with.
        hand_is_emoji: a raised hand is an emoji like any other (before 2.7).
    """

    version: str
    send_chat_message: bool
    bot: bool
    join_by_post: bool
    webhooks: int
    hook_digests: tuple[str, ...]
    hand_is_emoji: bool = False


_ALL = ("sha1", "sha256", "sha384", "sha512")

PROFILES = {
    "2.6": Profile("2.6.19", False, False, True, 2, ("sha1",), hand_is_emoji=True),
    "2.7": Profile("2.7.18", False, False, True, 2, ("sha1",)),
    "3.0": Profile("3.0.10", True, True, False, 3, _ALL),
    # In beta: its API and hooks are those of 3.0, its client is another.
    "4.0": Profile("4.0.0-beta.5", True, True, False, 3, _ALL),
}
