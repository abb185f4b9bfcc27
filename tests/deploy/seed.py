"""What an administrator does in the pages of the administration, and a webinar to come; read by `amphi shell`.

Prints one JSON object: the event, and a ticket of its stream for each of the viewers.
"""

import json
import time
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from amphi.accounts.models import User
from amphi.audience.domain import ticket_key
from amphi.audience.models import Broadcaster
from amphi.meetings.domain import MeetingFields
from amphi.system import tickets
from amphi.webinars.models import LiveGateway, Livestream
from amphi.webinars.saving import create_meeting

VIEWERS = 1200

for room in ("room-1", "room-2"):
    broadcaster = Broadcaster.objects.create(
        name=room, slug=room, hls_url=f"{settings.AMPHI_URL}/hls/{room}.m3u8", has_tickets=True
    )
    LiveGateway.objects.create(
        broadcaster=broadcaster,
        rtmp_stream_url=f"rtmp://127.0.0.1/live/{room}?key=a-key-of-{room}",
        sipmediagw_token=settings.MEETING_WEBINAR_SIPMEDIAGW_TOKEN if room == "room-2" else "",
        sipmediagw_url="http://127.0.0.1:8002",
    )
fields = MeetingFields(
    name="Lecture", start_at=timezone.now() + timedelta(hours=3), duration=timedelta(hours=1), is_webinar=True
)
meeting = create_meeting(user=User.objects.get(username="admin"), fields=fields).meeting
event_id = Livestream.objects.get(meeting=meeting).event_id
expires_at = int(time.time()) + 3600
held = [
    tickets.mint(ticket_key(), tickets.Ticket(event_id, "room-1", f"a{number}", expires_at))
    for number in range(VIEWERS)
]
print(json.dumps({"event_id": event_id, "tickets": held}))
