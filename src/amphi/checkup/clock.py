"""Whether another server's clock agrees with ours: signed deliveries and tickets carry times."""

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from amphi.checkup.findings import Finding
from amphi.system import outbound
from amphi.system.terminal import say

TOLERATED_S = 5.0
TOO_FAR_S = 60.0


def skew_s(answer: outbound.Answer, *, asked_at: float, answered_at: float) -> float | None:
    """By how many seconds the server's clock is ahead of ours; 0 within the precision of HTTP's ``Date``, None without that header.

    Args:
        answer: the server's answer.
        asked_at: Unix time of the request.
        answered_at: Unix time of the answer.
    """
    try:
        date = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except ValueError:
        return None
    # The header has whole seconds: the true time is up to a second later.
    if date + 1 < asked_at:
        return date + 1 - asked_at
    return max(0.0, date - answered_at)


def clock_of(check: str, subject: str, url: str, caller: outbound.Caller) -> Iterator[Finding]:
    """Compare a server's clock with ours. Yields nothing when the server does not answer, which other checks report."""
    asked_at = time.time()
    try:
        answer = caller.call("GET", url)
    except outbound.OutboundError:
        return
    ahead_s = skew_s(answer, asked_at=asked_at, answered_at=time.time())
    if ahead_s is None or abs(ahead_s) <= TOLERATED_S:
        return
    yield Finding(
        "FAIL" if abs(ahead_s) > TOO_FAR_S else "WARN",
        check,
        subject,
        say(
            en=f"its clock is {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} ours. Run chrony on both.",
            fr=f"son horloge {'avance' if ahead_s > 0 else 'retarde'} de {abs(ahead_s):.0f} s sur la nôtre. Activez chrony sur les deux.",
        ),
    )
