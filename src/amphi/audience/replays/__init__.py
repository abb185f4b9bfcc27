"""Lives that can be seen again: which, by whom, and how their picture is served. The origin records (`amphi.origin.recording`)."""
