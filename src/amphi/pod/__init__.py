"""A client of Esup-Pod's REST interface: makes a file a video of one of its users.

Written after Esup-Pod 4.1.0 (`pod/main/rest_router.py`, `pod/video/rest_views.py`, `pod/authentication/rest_views.py`,
`pod/video_encode_transcript/rest_views.py`, `pod/settings.py`), which 3.6 to 4.0 have alike where this uses it.
"""
