"""Pages of meetings."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from amphi.access import logged_in


@logged_in
def meeting_list(request: HttpRequest) -> HttpResponse:
    return render(request, "base.html")
