"""Text that is safe to show: nothing in it moves a cursor, starts a line or hides the rest."""


def printable(text: str) -> str:
    """Spell control, formatting and broken characters as escapes; the rest stays as it is."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def where(error: BaseException) -> str:
    """Name an exception and the line that raised it, in one line of at most 500 characters."""
    place, trace = "", error.__traceback__
    while trace is not None:
        place = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return printable(f"{type(error).__name__}{place}: {error}"[:500])
