"""A work as a file, whole or in part: TXT, Markdown, DOCX, EPUB, and the project with all of it."""
