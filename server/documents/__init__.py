"""Documents beside a work or a persona: uploaded, read, indexed, asked about.

The rows are the truth; the index of an owner's documents is made of them when it is needed.
"""
