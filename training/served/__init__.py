"""Data made by a model that is served: the client, batches that go on, and what is asked.

What a model answers is checked against the text it was given, and counted where it does not
hold. Knows nothing of data sets on disk nor of tuning.
"""
