"""How others write training rows. Each module turns one row into an item and back.

A reader raises BadInput with the field; where the row stands is known to `training.data.reading`.
A writer may leave things out that its format has no place for: `leftover` keeps them.
"""
