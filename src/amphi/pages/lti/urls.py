"""Pages for courses of learning platforms. Their cookie is sent below ``/lti/`` alone."""

from django.urls import path

from amphi.pages.lti import choice_views, enter_views, launch_views, register_views, webinar_views

app_name = "lti"

urlpatterns = [
    path("keys", launch_views.keys, name="keys"),
    path("login", launch_views.login, name="login"),
    path("launch", launch_views.launch, name="launch"),
    path("register/<str:key>", register_views.register, name="register"),
    path("enter", enter_views.enter, name="enter"),
    path("enter/confirm", enter_views.confirm, name="confirm"),
    path("<uuid:pk>/", webinar_views.webinar, name="webinar"),
    path("<uuid:pk>/state", webinar_views.state, name="state"),
    path("<uuid:pk>/choose", choice_views.choose, name="choose"),
]
