"""One thin file a resource: shapes in, a call, shapes out."""
