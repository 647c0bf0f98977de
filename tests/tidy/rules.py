"""Rules about code that the linters don't have. Each yields the lines that break it."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

PURE_MODULES = frozenset(
    {"abc", "base64", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime"}
    | {"decimal", "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "itertools"}
    | {"json", "math", "operator", "re", "string", "struct", "types", "typing", "unicodedata"}
)
IMPURE_CALLS = frozenset({"open", "print", "input", "exec", "eval", "compile", "__import__"})
SQL_CALLS = frozenset({"execute", "executemany", "executescript"})
TCP_SERVERS = frozenset(
    {"start_server", "create_server", "create_datagram_endpoint"}
    | {"HTTPServer", "ThreadingHTTPServer", "TCPServer", "ThreadingTCPServer"}
)
UNPACKERS = frozenset(
    {"bz2", "gzip", "lzma", "tarfile", "zipfile", "zlib", "zstandard", "brotli"}
    | {"cbor2", "dill", "marshal", "msgpack", "pickle", "plistlib", "shelve", "xml", "yaml"}
)
EXCEPTION = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no\s*(cover|branch))")
REASONED = re.compile(
    r"# (noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*"
    r"|type: ignore\[[a-z-]+(, ?[a-z-]+)*\]"
    r"|pragma: no (cover|branch)) +(- |# )\S.+"
)


def _called(call: ast.Call) -> str:
    """The last name of what is called, or nothing."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _imports(tree: ast.Module) -> Iterator[tuple[int, frozenset[str]]]:
    """Every line that imports, and the top-level modules that it names."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield node.lineno, frozenset(alias.name.split(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield node.lineno, frozenset({module.split(".")[0]})
            case _:
                continue


def impure_imports(tree: ast.Module, also: frozenset[str] = frozenset()) -> Iterator[int]:
    """Lines that import a top-level module that is neither known as pure nor in `also`."""
    return (line for line, modules in _imports(tree) if not modules <= PURE_MODULES | also)


def unpackers(tree: ast.Module) -> Iterator[int]:
    """Lines that import what makes large things, or objects of any type, of a few bytes."""
    return (line for line, modules in _imports(tree) if modules & UNPACKERS)


def foreseeable_chance(tree: ast.Module) -> Iterator[int]:
    """Lines that import chances that do not come from the kernel."""
    return (line for line, modules in _imports(tree) if "random" in modules)


def impure_calls(tree: ast.Module) -> Iterator[int]:
    """Lines that call a builtin that reaches outside."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
                yield node.lineno


def unbounded_queues(tree: ast.Module) -> Iterator[int]:
    """Lines that name a queue of the standard library."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="asyncio" | "queue"), attr=name):
                names = [name]
            case ast.ImportFrom(module="asyncio" | "queue", names=aliases):
                names = [alias.name for alias in aliases]
            case _:
                continue
        if any(name.endswith("Queue") for name in names):
            yield node.lineno


def tcp_servers(tree: ast.Module) -> Iterator[int]:
    """Lines that start a server on a network socket."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in TCP_SERVERS:
            yield node.lineno


def composed_sql(tree: ast.Module) -> Iterator[int]:
    """Lines that execute SQL other than a literal, a constant, an entry of one, or with an integer.

    A constant is a name in capitals; an entry is what a `for` takes out of one.
    """
    entries = {
        loop.target.id
        for loop in ast.walk(tree)
        if isinstance(loop, ast.For)
        and isinstance(loop.target, ast.Name)
        and isinstance(loop.iter, ast.Name)
        and loop.iter.id.isupper()
    }
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or _called(call) not in SQL_CALLS or not call.args:
            continue
        match call.args[0]:
            case ast.Constant():
                pass
            case ast.Name(id=name) | ast.Attribute(attr=name) if name.isupper() or name in entries:
                pass
            case ast.JoinedStr(values=parts) if all(_is_integer(part) for part in parts):
                pass
            case _:
                yield call.lineno


def _is_integer(part: ast.expr) -> bool:
    """Whether a part of an f-string is text or formatted by `:d`, which takes integers only."""
    match part:
        case ast.Constant():
            return True
        case ast.FormattedValue(format_spec=ast.JoinedStr(values=[ast.Constant(value="d")])):
            return True
        case _:
            return False


def exceptions(source: str) -> Iterator[tuple[int, bool]]:
    """Every lint, type or coverage exception: its line, and whether it says of what and why."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and EXCEPTION.match(token.string):
            yield token.start[0], REASONED.fullmatch(token.string) is not None
