"""The training room's verbs on the command line, one module a room of work.

`yanchi.py` loads a module only when one of its commands is called.
"""
