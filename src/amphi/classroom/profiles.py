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
        hook_uuid: a hook's id is a UUID (3.0); before, a number.
        hook_digests: the hashes that the ``hooks/`` calls accept.
    """

    version: str
    send_chat_message: bool
    bot: bool
    join_by_post: bool
    hook_uuid: bool
    hook_digests: tuple[str, ...]


_ALL = ("sha1", "sha256", "sha384", "sha512")

PROFILES = {
    "2.6": Profile("2.6.19", False, False, True, False, ("sha1",)),
    "2.7": Profile("2.7.18", False, False, True, False, ("sha1",)),
    "3.0": Profile("3.0.10", True, True, False, True, _ALL),
}
