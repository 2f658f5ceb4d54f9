"""A script and a role to a persona: card, voice, scenes, lore, and a data set to learn from.

`part` reads what the role has in the script; `voice` chooses lines; `quoted` and `drafting` write
the card, from the script's own words or by a served model; `folder` keeps it all for the desk.
"""
