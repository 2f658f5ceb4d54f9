"""PostgreSQL's errors, translated once at the border into sentences for an author."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from retrieval.errors import IndexFailure

NO_EXTENSION = (
    "这台 PostgreSQL 没有安装 pgvector 扩展；请让管理员装上 pgvector 0.8 或更新的版本，"
    "或把 YANCHI_VECTOR_STORE 改回 faiss。"
)
MAY_NOT_CREATE = "数据库账号没有建立 vector 扩展的权限；请让管理员在这个数据库里执行一次 CREATE EXTENSION vector。"
BUSY = "另一个程序正在更新这部作品的索引，请稍后再试。"
TOO_NEW = "向量表是更新版本的砚池建的；请升级这一台的程序，或换一个数据库。"


class Busy(IndexFailure):
    """Somebody else has the turn."""


def old_extension(version: str) -> str:
    return f"pgvector 的版本是 {version}，太旧了；请升级到 0.8 或更新，再执行 ALTER EXTENSION vector UPDATE。"


def message(error: psycopg.Error) -> str:
    """One sentence: the cause and the way out."""
    told = " ".join(str(error).split())[:160]
    match error:
        case errors.InsufficientPrivilege():
            return f"数据库账号的权限不够（{told}）；请让管理员授予建立模式和表的权限。"
        case errors.DiskFull():
            return "向量数据库的磁盘满了；请腾出空间再试。"
        case errors.ReadOnlySqlTransaction():
            return "连到的 PostgreSQL 只能读；请把地址改成主库。"
        case errors.UndefinedTable() | errors.InvalidSchemaName() | errors.UndefinedColumn():
            return "向量表被删掉或改动了；再试一次，它会自动重建。"
        case errors.QueryCanceled():
            return "向量数据库没有在时限内答复；请稍后再试。"
        case psycopg.OperationalError():
            return f"向量数据库连不上或断开了（{told}）；请检查 PostgreSQL 是否在运行、地址和口令是否正确，再试一次。"
    return f"向量数据库出错（{told}）；请再试一次，仍不行就查看它的日志。"


@contextmanager
def database_refusals() -> Iterator[None]:
    """Errors of psycopg and of SQLAlchemy's pool, as IndexFailure."""
    try:
        yield
    except psycopg.Error as error:
        raise IndexFailure(message(error)) from error
    except DBAPIError as error:
        cause = error.orig if isinstance(error.orig, psycopg.Error) else psycopg.Error(str(error))
        raise IndexFailure(message(cause)) from error
    except SQLAlchemyError as error:
        raise IndexFailure("向量数据库的连接都在使用中；请稍后再试。") from error
