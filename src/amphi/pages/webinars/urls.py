"""Addresses for moderators of webinars."""

from django.urls import path

from amphi.pages.webinars import attendance, caption_views, options, registration_views, replay_views, views

app_name = "webinars"
urlpatterns = [
    path("explained/", views.explained, name="explained"),
    path("<slug:slug>/status/", views.status, name="status"),
    path("<slug:slug>/stop/", views.stop, name="stop"),
    path("<slug:slug>/open/", views.open_live, name="open"),
    path("<slug:slug>/restart/", views.restart, name="restart"),
    path("<slug:slug>/end/", views.end, name="end"),
    path("<slug:slug>/chat/", views.chat, name="chat"),
    path("<slug:slug>/picture/", views.change_picture, name="picture"),
    path("<slug:slug>/audience/", attendance.attendance, name="attendance"),
    path("<slug:slug>/audience/<int:pk>/", attendance.attendance, name="airing"),
    path(
        "<slug:slug>/audience/<int:pk>/people.csv",
        attendance.attendance_csv,
        {"table": "people"},
        name="people_csv",
    ),
    path(
        "<slug:slug>/audience/<int:pk>/curve.csv",
        attendance.attendance_csv,
        {"table": "curve"},
        name="curve_csv",
    ),
    path("<slug:slug>/replays/", replay_views.replays, name="replays"),
    path("<slug:slug>/replays/<int:pk>/", replay_views.replays, name="replay"),
    path("<slug:slug>/replays/<int:pk>/delete", replay_views.delete, name="delete_replay"),
    path("<slug:slug>/replays/<int:pk>/<slug:part>", replay_views.change, name="change_replay"),
    path("<slug:slug>/options/", options.options, name="options"),
    path("<slug:slug>/captions/", caption_views.captions, name="captions"),
    path("<slug:slug>/captions/<int:pk>/", caption_views.captions, name="captions_of"),
    path("<slug:slug>/captions/<int:pk>/correct", caption_views.correct, name="correct_captions"),
    path("<slug:slug>/captions/<int:pk>/captions.vtt", caption_views.captions_vtt, name="captions_vtt"),
    path("<slug:slug>/captions/token", options.captions_token, name="captions_token"),
    path("<slug:slug>/options/<slug:section>/", options.change, name="change_options"),
    path("<slug:slug>/registrations/", registration_views.registrations, name="registrations"),
    path("<slug:slug>/registrations/csv", registration_views.as_csv, name="registrations_csv"),
    path("<slug:slug>/registrations/decide", registration_views.decide, name="registrations_decide"),
]
