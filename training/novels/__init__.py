"""Novels to training pairs: lossless chunks, and what is asked for each of them.

Summaries and flat drafts of chunks are made elsewhere and come in as a file of their ids.
Knows nothing of models.
"""
