"""Personas and what was said with them in the files of other tools, and back.

    cards        Character Card V1, V2, V3 as an object against a persona's columns
    examples     the sample dialogue of a card against lines
    png          the text chunks of a PNG
    charx        a ZIP with `card.json`
    files        which of them a file is; what to write
    pictures     the picture that a card's PNG is
    chats        SillyTavern's chats, one JSON object a line

A card from elsewhere is data. Nothing in it is run, no address in it is asked for, its macros are
those of `server.personas.macros`, and its sizes are limited before it is unpacked. What our columns
cannot say is kept as it came and written again. Knows files and plain columns, no rows, no HTTP.
"""
