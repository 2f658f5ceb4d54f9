"""The index of works in PostgreSQL with pgvector, for many desks on one database.

Answers what `retrieval.index` answers over FAISS files. The manuscript knows nothing of it:
like those files everything here is derived, and can be dropped and made again.

    tables.py      the schema, and making it           database.py  connections and turns
    refusals.py    PostgreSQL's errors, once           vectors.py   halfvec on the wire
    rows.py        what is written and deleted         state.py     what is read: marks and space
    loaded.py      passages and postings in memory     snapshot.py  one state, searched
    graph.py       HNSW for large works                run.py       one `sync`
    index.py       the public class                    store.py     all works of one database
"""
