"""The audience's pages. The event stream, `/live/<event id>/events`, is not Django's: see `amphi.pages.asgi`."""

from django.urls import path

from amphi.pages.live import (
    calendar_views,
    caption_views,
    chat_views,
    embed_views,
    poster_views,
    registration_views,
    reminder_views,
    replay_views,
    usher_views,
    views,
    voice_views,
)

app_name = "live"

urlpatterns = [
    path("", views.event_list, name="list"),
    path("directs.ics", calendar_views.feed, name="feed"),
    path("mail/stop/<str:token>", reminder_views.unsubscribe, name="unsubscribe"),
    path("live/<slug:slug>/poster/<slug:mark>/<slug:size>.jpg", poster_views.poster, name="poster"),
    path("live/<slug:slug>/registration", registration_views.registration, name="registration"),
    path("live/<slug:slug>/r/<str:token>", registration_views.registered, name="registered"),
    path("live/<slug:slug>/reminder", reminder_views.ask, name="reminder"),
    path("live/<slug:slug>/reminder/<str:token>", reminder_views.confirm, name="confirm_reminder"),
    path("live/<slug:slug>/calendar.ics", calendar_views.event, name="calendar"),
    path("live/<slug:slug>/", views.event_page, name="event"),
    path("embed/<slug:slug>/", embed_views.player, name="embed"),
    path("embed/<slug:slug>/state", embed_views.state, name="embed_state"),
    path("oembed", embed_views.oembed, name="oembed"),
    path("live/<slug:slug>/password", views.door, name="door"),
    path("live/<slug:slug>/state", views.state, name="state"),
    path("live/<slug:slug>/replay/", replay_views.latest_replay, name="latest_replay"),
    path("live/<slug:slug>/replay/<int:pk>/", replay_views.replay_page, name="replay"),
    path("live/<slug:slug>/replay/<int:pk>/said", replay_views.replay_said, name="replay_said"),
    path(
        "live/<slug:slug>/replay/<int:pk>/pictures.vtt", replay_views.replay_pictures, name="replay_pictures"
    ),
    path(
        "live/<slug:slug>/replay/<int:pk>/chapters.vtt", replay_views.replay_chapters, name="replay_chapters"
    ),
    path(
        "live/<slug:slug>/replay/<int:pk>/captions.vtt", replay_views.replay_captions, name="replay_captions"
    ),
    path("live/<slug:slug>/captions", caption_views.captions, name="captions"),
    path("live/<slug:slug>/messages", chat_views.message, name="message"),
    path("live/<slug:slug>/guest", chat_views.guest, name="guest"),
    path("live/<slug:slug>/react", chat_views.react, name="react"),
    path("live/<slug:slug>/moderation", chat_views.moderation_facts, name="moderation"),
    path("live/<slug:slug>/moderation/<slug:action>", chat_views.moderate, name="moderate"),
    path("live/<slug:slug>/questions", voice_views.ask, name="ask"),
    path("live/<slug:slug>/questions/<uuid:pk>/vote", voice_views.question_vote, name="question_vote"),
    path("live/<slug:slug>/polls/<uuid:pk>/vote", voice_views.poll_vote, name="poll_vote"),
    path("live/<slug:slug>/hand", voice_views.hand, name="hand"),
    path("live/<slug:slug>/stage", voice_views.stage, name="stage"),
    path("live/<slug:slug>/desk/", usher_views.desk, name="desk"),
    path("live/<slug:slug>/voices/", usher_views.voices, name="voices"),
    path("live/<slug:slug>/voices/questions/<uuid:pk>", usher_views.question, name="voices_question"),
    path("live/<slug:slug>/voices/polls", usher_views.new_poll, name="voices_new_poll"),
    path("live/<slug:slug>/voices/polls/<uuid:pk>", usher_views.poll, name="voices_poll"),
    path("live/<slug:slug>/voices/hands/<str:token>", usher_views.hand, name="voices_hand"),
    path("live/<slug:slug>/export/<str:what>.<str:form>", usher_views.export, name="export"),
]
