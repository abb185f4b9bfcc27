"""What BigBlueButton's transcription says of a sentence that grows, put together again.

Up to 3.0 each update has only the last two lines of eight words of the sentence so far (both numbers are settings), one under the
other; later versions send all of it. Source: https://github.com/bigbluebutton/bigbluebutton, ``AudioCaptions.scala``,
``parseTranscript``, and ``UpdateTranscriptPubMsgHdlr.scala``.
"""


def continued(so_far: str, update: str) -> str:
    """The sentence so far, from what was known of it and BigBlueButton's next update.

    Words that were in no update, since some got lost, are missing.
    """
    lines, words = update.split("\n"), update.split()
    known = so_far.split()
    per_line = len(lines[0].split())
    if len(lines) == 1 or not per_line:
        return " ".join(words)

    def matches(start: int) -> int:
        return sum(one == other for one, other in zip(known[start:], words, strict=False))

    # An update begins with a line: after a whole number of lines of what was said before.
    start = max(range(0, len(known) + 1, per_line), key=matches)
    kept = known[:start] if matches(start) else known
    return " ".join([*kept, *words])
