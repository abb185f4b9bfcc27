"""``amphi origin check``: whether a stream keeps the rules of HLS, as seen from outside. Works with any server's streams."""
