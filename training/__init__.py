"""Data in, a servable adapter out; may import retrieval, never server."""
