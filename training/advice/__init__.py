"""What to know before a run: how much there is to learn, which settings suit it, what it costs.

Reads a recipe, the data sets it names and the base's headers; trains nothing but a few steps in
a child process, to measure them.
"""
