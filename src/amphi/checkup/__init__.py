"""``amphi check``: checks the settings, and the servers that they name.

It starts, changes and publishes nothing. Each finding is one sentence, which also says what to do when something is wrong.
"""
