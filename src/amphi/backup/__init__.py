"""``amphi backup`` and ``amphi restore``: all that can't be made again, in one file.

Nothing here knows what the tables mean: the database goes as a whole.
"""
