"""The versions of BigBlueButton that the classroom can imitate, and how they differ."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """One version of BBB, as its callers see it.

    Attributes:
        version: the version in the API's answers.
        send_chat_message: whether sendChatMessage exists (since 3.0).
        bot: whether ``bot=true`` and ``enforceLayout`` have an effect (since 3.0).
        join_by_post: whether join may be a POST (before 3.0).
        webhooks: the generation of bbb-webhooks, 2 or 3. They differ in events and signatures, and hook ids are UUIDs only in 3.
        hook_digests: the hash functions for ``hooks/`` calls and deliveries.
        hand_is_emoji: whether a raised hand is an emoji like any other (before 2.7).
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
    # In beta: its API and hooks are those of 3.0, but its client differs.
    "4.0": Profile("4.0.0-beta.5", True, True, False, 3, _ALL),
}
