"""Reports which client a meeting server runs: its version, and whether its page has what the gateway depends on."""

import logging
import re

from amphi.gateway.meeting_page import Report

logger = logging.getLogger(__name__)

KNOWN_MAJORS = frozenset({2, 3, 4})
"""Major versions of BigBlueButton whose client the gateway was written for; see docs/gateway.md."""


def major_of(version: str) -> int | None:
    """The first number of a version such as ``3.0.14`` or ``BigBlueButton 2.7-rc-1``; None without a number."""
    found = re.search(r"\d+", version)
    return int(found.group()) if found else None


def is_known(report: Report) -> bool:
    """Whether the gateway was written for this version; true when the version is unknown."""
    major = major_of(report.version)
    return major is None or major in KNOWN_MAJORS


def log_report(job_id: str, report: Report) -> None:
    """Log one line for each join: a change in a new version of BigBlueButton shows there first."""
    version = report.version or "of a version that it does not tell"
    missing = f"; not found: {', '.join(report.missing)}" if report.missing else ""
    found = sum(report.found.values())
    level = logging.WARNING if report.missing or not is_known(report) else logging.INFO
    unknown = "" if is_known(report) else ", which this gateway does not know"
    said = (job_id, version, unknown, found, len(report.found), missing)
    logger.log(level, "job %s: BigBlueButton %s%s; %d of %d names found%s", *said)
