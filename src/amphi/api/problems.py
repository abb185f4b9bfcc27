"""Errors of operations, each a problem as RFC 9457 has it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amphi.system.problems import answer

WORDS: dict[str, Promise] = {
    "missing": gettext_lazy("This value is missing."),
    "extra_forbidden": gettext_lazy("There is no such field."),
    "less_than_equal": gettext_lazy("This value is out of range."),
    "greater_than_equal": gettext_lazy("This value is out of range."),
    "timezone_aware": gettext_lazy("The time needs its offset from UTC, such as 2026-01-31T14:00:00+01:00."),
}
"""What is wrong with a value, by pydantic's kind of error."""


class Problem(Exception):  # noqa: N818 -- RFC 9457's name
    """A request was not carried out.

    Args:
        status: HTTP's.
        code: what happened, in a word for programs.
        detail: the same, as a translated sentence for people.
        headers: to send along.
        more: members besides those of the RFC.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.detail = status, code, detail
        self.headers, self.more = headers or {}, more

    def response(self) -> HttpResponse:
        """The answer."""
        return answer(self.status, self.code, self.detail, headers=self.headers, **self.more)


def invalid(**fields: str) -> Problem:
    """Values of the body that are not valid, each with what is wrong."""
    errors = [{"pointer": f"/{name}", "detail": said} for name, said in fields.items()]
    return Problem(422, "invalid", errors=errors)


def of_validation(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """What pydantic found. The words are ours, since its own are English alone."""
    told = []
    for error in errors[:20]:
        where, *path = error["loc"]
        if where == "body" and path:
            path = path[1:]  # the name of the operation's parameter
        told.append(
            {
                "in": str(where),
                "pointer": "/" + "/".join(str(part) for part in path),
                "code": str(error["type"]),
                "detail": _in_words(error),
            }
        )
    return Problem(422, "invalid", errors=told)


def _in_words(error: Mapping[str, Any]) -> str:
    kind, limits = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(limits["error"])
    if kind == "string_too_long":
        return _("At most %(most)s characters.") % {"most": limits["max_length"]}
    return str(WORDS.get(kind) or _("This value is not valid."))
