"""``amphi check``: whether the settings make sense, and whether all that they name answers.

Nothing is started, changed or published. Each finding is one sentence, which says what to do where something is wrong.
"""
