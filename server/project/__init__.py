"""A whole work as one ZIP file, and back: text, story bible, templates, on wish all revisions.

    project.json            format, version, the work, its tables' rows (see `tables.py`)
    chapters/0001.txt       a chapter's current text, byte for byte
    history/0001.json       its revisions, where they were asked for
    portraits/0001.webp     a character's picture

Rows name each other by their table and number (`characters/3`), so that a file holds no ids and
importing gives new ones. Nothing in it says when it was written: exporting what was imported
gives the same bytes.
"""

FORMAT, VERSION = "yanchi-project", 1
MANIFEST = "project.json"
