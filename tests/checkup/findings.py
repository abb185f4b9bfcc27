"""Findings, read briefly."""

NOBODY = "http://127.0.0.1:9"
"""An address at which nothing listens."""


def brief(findings) -> list[tuple[str, str]]:
    return [(one.level, one.sentence) for one in findings]


def only(findings) -> tuple[str, str]:
    [found] = brief(findings)
    return found
