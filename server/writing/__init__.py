"""One generation, from request to accepted text."""
