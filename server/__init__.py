"""The HTTP application: requests, users, rows and the engine process.

Never imports training; starts it as a child process and talks through files and rows.
"""
