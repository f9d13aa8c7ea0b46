"""The only place that opens, lists or atomically writes a local or remote file.

A path is a local path, `file://`, `http(s)://` (read only), `s3://` or `gs://`. Contents are raw
bytes, but for `open_text` and `create_text`: corpora are decompressed by `mtag_core.corpus`, which
bounds memory and says what is damaged.
"""

from mtag_core.storage.access import (
    atomic_writer,
    copy,
    create_text,
    delete,
    delete_leftovers,
    exclusive,
    exists,
    open_read,
    open_seekable,
    open_text,
    read_bytes,
    stat,
    touch,
)
from mtag_core.storage.listing import list_dir, list_files, literal_prefix, split_patterns
from mtag_core.storage.paths import (
    UNKNOWN_SIZE,
    FileInfo,
    HttpAccess,
    call_in_child,
    call_with_access,
    http_access,
    is_secret_name,
    join,
    local_path,
    public_url,
    redacted,
    scheme_of,
    use_http_access,
    writable,
)

__all__ = [
    "UNKNOWN_SIZE",
    "FileInfo",
    "HttpAccess",
    "atomic_writer",
    "call_in_child",
    "call_with_access",
    "copy",
    "create_text",
    "delete",
    "delete_leftovers",
    "exclusive",
    "exists",
    "http_access",
    "is_secret_name",
    "join",
    "list_dir",
    "list_files",
    "literal_prefix",
    "local_path",
    "open_read",
    "open_seekable",
    "open_text",
    "public_url",
    "read_bytes",
    "redacted",
    "scheme_of",
    "split_patterns",
    "stat",
    "touch",
    "use_http_access",
    "writable",
]
