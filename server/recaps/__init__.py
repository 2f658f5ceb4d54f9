"""Recaps kept true to the database: made in the background, shown, written by hand."""
