"""The supervisor with SIPMediaGW 1.5 to 1.7, which tell little or nothing of what they do."""

from datetime import timedelta

import pytest

from amphi.webinars.models import LiveGateway, Livestream, State
from amphi.worker.job_rules import START_MAY_TAKE, UNSEEN_AFTER
from tests.contract.sipmediagw_upstream import TOKEN, Launcher
from tests.webinars.looking import age, look, start


@pytest.fixture(params=["1.5", "1.6", "1.7"])
def launcher(request, serve, livestream) -> Launcher:
    upstream = Launcher(request.param, slow=True)
    url = serve(upstream).url
    dialect = "A" if request.param == "1.5" else "B"
    LiveGateway.objects.update(dialect=dialect, sipmediagw_url=url, sipmediagw_token=TOKEN)
    livestream.refresh_from_db()
    return upstream


def test_slow_start_is_waited_for(livestream: Livestream, stage, launcher):
    start(livestream)
    look(livestream, 5)
    assert launcher.made == [livestream.meeting.room]
    stage.sequence, stage.advancing = 1, True
    look(livestream, 2)
    assert livestream.state == State.LIVE
    assert launcher.made == [livestream.meeting.room]


def test_start_that_shows_nothing_is_begun_again_where_nothing_else_tells(livestream: Livestream, launcher):
    start(livestream)
    look(livestream, 2)
    long_ago = UNSEEN_AFTER + timedelta(seconds=1)
    age(livestream, gateway_asked_at=long_ago, start_may_come_until=long_ago - START_MAY_TAKE)
    look(livestream, 3)
    # Version 1.7 reports: its own word counts.
    assert len(launcher.made) == (1 if launcher.version == "1.7" else 2)


def test_start_that_version_1_7_reports_as_down_is_begun_again(livestream: Livestream, launcher):
    start(livestream)
    look(livestream, 2)
    launcher.rooms.clear()
    look(livestream, 3)
    assert len(launcher.made) == (2 if launcher.version == "1.7" else 1)
