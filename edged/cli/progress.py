"""How far a long command is: a bar on standard error, where somebody looks at it."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager


def track(names: Sequence[str], *, beside_output: bool = False) -> Iterable[str]:
    """Go through `names`; `beside_output`: lines are printed meanwhile, so not on a terminal."""
    if not sys.stderr.isatty() or (beside_output and sys.stdout.isatty()):
        return names
    from rich.console import Console
    from rich.progress import Progress

    # Left alone, rich would lead standard output to its own console, and so to standard error.
    bar = Progress(
        console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    )

    def shown() -> Iterable[str]:
        with bar:
            yield from bar.track(names, description="members")

    return shown()


@contextmanager
def working() -> Iterator[Callable[[str], None]]:
    """Give a function that says what the command waits for, in one line that is gone at the end."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status("") as line:
        yield lambda text: line.update(Text(text))
