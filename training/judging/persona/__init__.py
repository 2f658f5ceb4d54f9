"""A persona judged: what the card, retrieval and an adapter are each worth, on scenes held out.

Everybody is asked through the desk that is open, so that the prompts are those of a real talk.
What is measured and how is told in `docs/personas.md`.
"""
