"""Everything that can go wrong between a text and a prompt.

    RetrievalError
    ├── ReadError               a file cannot be read as a book
    │   ├── EmptyText           nothing but white space
    │   ├── BinaryFile          not text at all, whatever its name says
    │   ├── UnknownEncoding     no supported encoding reads it
    │   ├── MixedEncoding       one encoding reads most of it, but not all
    │   ├── EncryptedFile       a password or a shop's lock keeps it shut
    │   ├── DamagedFile         not whole, or not what its format demands
    │   ├── OversizedFile       it unpacks to more than a book can be
    │   └── ScannedPages        pictures of pages, without text
    ├── IndexFailure            an index cannot be opened, written or searched
    │   └── WrongDimension      vectors and index do not fit each other
    ├── EmbedderUnavailable     the embedding model cannot be loaded
    ├── RerankerUnavailable     the reranking model cannot be loaded (in `rerank.py`)
    ├── BrokenTemplate          a prompt template cannot be rendered (in `template.py`)
    └── PromptTooLarge          what must stand in the prompt exceeds its budget

Messages are one sentence for an author, in Chinese: the cause and the way out.
`code` is stable and machine-readable.
"""


class RetrievalError(Exception):
    code = "retrieval_failed"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ReadError(RetrievalError):
    code = "unreadable_file"


class EmptyText(ReadError):
    code = "empty_file"


class BinaryFile(ReadError):
    code = "binary_file"


class UnknownEncoding(ReadError):
    code = "unknown_encoding"


class MixedEncoding(ReadError):
    code = "mixed_encoding"


class EncryptedFile(ReadError):
    code = "encrypted_file"


class DamagedFile(ReadError):
    code = "damaged_file"


class OversizedFile(ReadError):
    code = "oversized_file"


class ScannedPages(ReadError):
    code = "scanned_pages"


class IndexFailure(RetrievalError):
    code = "index_failed"


class WrongDimension(IndexFailure):
    code = "wrong_dimension"


class EmbedderUnavailable(RetrievalError):
    code = "embedder_unavailable"


class PromptTooLarge(RetrievalError):
    code = "prompt_too_large"
