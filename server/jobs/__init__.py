"""Long work in child processes that outlive the server: making data, tuning, judging, publishing.

The server knows the commands of the command line and the files that they leave; it never
imports what they run.
"""
