"""The recipe of the desk's default embedding model, from public word lists to a servable folder.

Stages, in order: vocabulary → distil → contrast → export → evaluate; see `__main__`.
Knows nothing of the desk's own index or of any author's text.
"""
