"""Memory that stays true: recaps at several distances, each tied to what it was made from.

`plan` says which recaps a book wants and what each of them reads; `fresh` which of those that
exist are still true; `extract` makes them without a model, `reading` and `checks` serve those
a model makes; `items` offers them to the prompt. All of it is pure: it knows no rows, no
requests and no engine.
"""
