"""Text in, prompt out: reading, chunking, indexing, recall and prompt assembly.

Knows nothing of HTTP, database rows or the engine that will answer the prompt.
"""
