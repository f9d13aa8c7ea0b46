"""Files, by path or URL; what of a URL nobody else may read; which hosts may answer for it.

User names, passwords and the signatures of presigned URLs are taken out of a URL when it first
comes in; all else knows the public URL. The secrets stay in the memory of the process, and go to
workers with `http_access`.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

from mtag_core.child_process import ChildProcess
from mtag_core.errors import UsageError

T = TypeVar("T")

_USER_INFO = re.compile(r"(?<=://)[^/@\s'\"]+@")
# Parameters of AWS, Google and Azure, and what others call theirs.
_SECRET = re.compile(
    r"x-(?:amz|goog)-.*|signature|sig|(?:access_?)?token|api_?key|password|secret|AWSAccessKeyId"
    r"|GoogleAccessId|Key-Pair-Id|Policy|Expires",
    re.IGNORECASE,
)
# Of these nothing is secret, but each new signature of Azure changes them.
_SIGNED_WITH_SIG = frozenset("sv ss srt sp se st spr sr sip skoid sktid skt ske sks skv".split())

UNKNOWN_SIZE = -1
"""Size of a file whose server does not tell it."""

TEMPORARY_SUFFIX = ".mtag-tmp"
"""Ends the names of files that are being written; listings leave them out."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file, by path or URL, as it was when it was listed; its size is in bytes or `UNKNOWN_SIZE`.

    The version changes when the content does: the modification time in nanoseconds of a local file,
    the entity tag or generation of a remote one. One that is not seekable is only sent from the
    start.
    """

    path: str
    size: int
    version: str
    is_seekable: bool = True


def scheme_of(path: str) -> str:
    """Returns `http`, `s3`, `gs` or, for local paths, ``."""
    scheme = path.partition("://")[0].lower() if "://" in path else ""
    return {"https": "http", "file": "", "gcs": "gs"}.get(scheme, scheme)


def local_path(path: str) -> str:
    """Returns the path that the operating system knows."""
    return unquote(urlsplit(path).path) if path.lower().startswith("file://") else path


def join(base: str, *names: str) -> str:
    """Joins names to a local path or URL of a directory."""
    if scheme_of(base):
        return "/".join([base.rstrip("/"), *names])
    return os.path.join(base, *names)


def writable(path: str) -> str:
    """A path that UTF-8 can write: names may be any bytes, some of which Python escapes."""
    return path.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class HttpAccess:
    """What a process knows of servers; pickles.

    User names and passwords are by `scheme://host:port`, the whole queries of URLs that some was
    taken out of by the public URLs.
    """

    allow_redirects: bool = False
    user_infos: Mapping[str, str] = field(default_factory=dict)
    queries: Mapping[str, str] = field(default_factory=dict)


_access = HttpAccess()


def http_access() -> HttpAccess:
    """What this process knows, for another one."""
    return _access


def use_http_access(access: HttpAccess) -> None:
    """Makes this process know what another one does."""
    global _access
    _access = access


def call_with_access(
    access: HttpAccess, function: Callable[..., T], *args: object, **kwargs: object
) -> T:
    """Calls a function in a process that knows nothing yet."""
    use_http_access(access)
    return function(*args, **kwargs)


def call_in_child(child: ChildProcess, function: Callable[..., T], *args: object) -> T:
    """Calls a function in a child process, which knows then what this one does."""
    answer: T = child.call(call_with_access, _access, function, *args)
    return answer


def public_url(path: str) -> str:
    """A URL without secrets, which are remembered; any other path as it is.

    Raises:
        UsageError: Another URL differs in its secrets only, or a store's URL holds some.
    """
    global _access
    scheme = scheme_of(path)
    if not scheme or not ("@" in path or "?" in path):
        return path
    user_info, at, host = urlsplit(path).netloc.rpartition("@")
    if scheme != "http":
        if at:
            raise UsageError(
                f"{redacted(path)}: expected no user name or key in the URL of a store; its client "
                "takes them from the environment"
            )
        return path
    parts = urlsplit(path)._replace(netloc=host)
    query = parts.query if _secret_parameters(parts.query) else ""
    public = parts._replace(query=_without_secrets(parts.query)).geturl()
    user_infos, queries = dict(_access.user_infos), dict(_access.queries)
    if user_info and user_infos.setdefault(_origin(public), user_info) != user_info:
        raise UsageError(f"{_origin(public)}: two user names or passwords for one host")
    if query and queries.setdefault(public, query) != query:
        raise UsageError(f"{public}: two URLs that differ in their signatures only")
    _access = replace(_access, user_infos=user_infos, queries=queries)
    return public


def real_url(public: str) -> str:
    """The URL to ask a server for."""
    parts = urlsplit(public)
    user_info = _access.user_infos.get(_origin(public))
    if user_info:
        parts = parts._replace(netloc=f"{user_info}@{parts.netloc}")
    return urlunsplit(parts._replace(query=_access.queries.get(public, parts.query)))


def redacted(text: str) -> str:
    """A text, such as a client's error, without the secrets of URLs in it."""
    text = _USER_INFO.sub("", text)
    for query in _access.queries.values():
        text = text.replace(query, _without_secrets(query))
        for parameter in _secret_parameters(query):
            text = text.replace(parameter, "")
    return text


def is_secret_name(name: str) -> bool:
    """Whether a flag or parameter of that name holds a secret, as far as its name says."""
    return re.search(r"secret|password|token|credential|access_?key", name, re.I) is not None


def _without_secrets(query: str) -> str:
    secret = _secret_parameters(query)
    return "&".join(each for each in query.split("&") if each not in secret)


def _secret_parameters(query: str) -> list[str]:
    parameters = query.split("&")
    names = [parameter.partition("=")[0] for parameter in parameters]
    secret = _SIGNED_WITH_SIG if "sig" in names else frozenset()
    return [
        parameter
        for parameter, name in zip(parameters, names, strict=True)
        if _SECRET.fullmatch(name) or name in secret
    ]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
