"""``amphi captions``: hears the sound of lives, has an engine recognise what is said, and writes captions. A process of its own: what fails here harms no picture."""
