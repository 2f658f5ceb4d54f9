"""One tokenizer or model is loaded at a time.

transformers finds its names lazily, on first use, and not thread-safely: while one thread
imports it, another can be told “cannot import name 'AutoTokenizer'”. Whoever imports
transformers, or a library that does, holds this lock while importing and loading.
"""

import threading

LOADING = threading.RLock()
