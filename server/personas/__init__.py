"""Personas and talking with them.

cards      who there is            avatars    their pictures        lore       their own lorebooks
tree       what was said           macros     {{char}} and {{user}}
standing   what they know, where they stand in a story
prompt     a conversation's prompt  talking    an answer as it is written
reply      the text of an answer   export     a conversation as a file
shipped    the personas that come along
"""
