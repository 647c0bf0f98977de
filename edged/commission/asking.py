"""Who is asked: an installer at a terminal, or a machine that reads and writes lines of JSON."""

import getpass
import json
import sys
from collections.abc import Mapping
from typing import Protocol, TextIO

import typer

from edged.commission import limits
from edged.commission.words import Ask, Outcome, Step, Verdict, Watch
from edged.printable import printable


class BadAnswer(Exception):
    """What was answered is no answer to the question. The text names the question."""


class NoAnswer(Exception):
    """A question that had to be answered soon was not; its step has failed."""


class Installer(Protocol):
    """Whoever does what a step asks for. `by`: who that is, for orders and the report."""

    by: str

    def ask(self, question: Ask) -> str:
        """Return an answer: one of the question's choices, if it has any. Raises NoAnswer."""
        ...

    def tell(self, task: Watch) -> None:
        """Say what is to be done now."""
        ...

    def ended(self, step: Step, outcome: Outcome) -> None:
        """Say how a step ended."""
        ...


class Terminal:
    """A person, who may type an answer's beginning; a wrong one is asked for again."""

    def __init__(self) -> None:
        self.by = getpass.getuser()

    def ask(self, question: Ask) -> str:
        """Ask until there is an answer. Raises typer.Abort when nobody types any more."""
        choices = question.choices
        hint = f" [{'/'.join(choices)}]" if choices else ""
        while True:
            said = typer.prompt(
                f"{question.text}{hint}",
                default=question.default,
                show_default=False,
                prompt_suffix=" ",
            ).strip()
            if not choices or said in choices:
                return str(said)[: limits.ANSWER_CHARS]
            fits = [one for one in choices if one.startswith(said)]
            if len(fits) == 1:
                return fits[0]

    def tell(self, task: Watch) -> None:
        """Show it."""
        typer.secho(f"{task.text} ({task.for_s:.0f} s)", bold=True)

    def ended(self, step: Step, outcome: Outcome) -> None:
        """Show it."""
        colour = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.SKIPPED: "yellow"}
        verdict = typer.style(f"{outcome.verdict.value:<7}", fg=colour[outcome.verdict])
        typer.echo(f"{verdict}  {step.key}: {printable(outcome.why)}")


class Machine:
    """A program: questions and tasks go out, answers come in, an object a line.

        {"ask": "lock/front/which", "text": "...", "choices": ["front", "none"]}
        {"do": "exit_button/front/press", "text": "...", "for_s": 60.0}
        {"step": "exit_button/front", "verdict": "passed", "why": "..."}

    To each `ask` it answers with `{"key": ..., "answer": ...}`; to the others with nothing.
    """

    def __init__(self, answers: TextIO, out: TextIO = sys.stdout) -> None:
        self.by = getpass.getuser()
        self._answers = answers
        self._out = out

    def ask(self, question: Ask) -> str:
        """Ask once. Raises BadAnswer."""
        self._say(ask=question.key, text=question.text, choices=question.choices)
        line = self._answers.readline(limits.ANSWER_CHARS * 8)
        if not line:
            raise BadAnswer(f"{question.key}: there are no more answers")
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, Mapping) or said.keys() != {"key", "answer"}:
            raise BadAnswer(f'{question.key}: an answer is {{"key": ..., "answer": ...}}')
        if said["key"] != question.key:
            raise BadAnswer(f"{question.key}: the next answer is to another question")
        answer = said["answer"]
        if not isinstance(answer, str) or len(answer) > limits.ANSWER_CHARS:
            raise BadAnswer(f"{question.key}: at most {limits.ANSWER_CHARS} characters of text")
        if question.choices and answer not in question.choices:
            raise BadAnswer(f"{question.key}: one of {', '.join(question.choices)}")
        return answer

    def tell(self, task: Watch) -> None:
        """Say it."""
        self._say(do=task.key, text=task.text, for_s=task.for_s)

    def ended(self, step: Step, outcome: Outcome) -> None:
        """Say it."""
        self._say(step=step.key, verdict=outcome.verdict.value, why=outcome.why)

    def _say(self, **said: object) -> None:
        self._out.write(json.dumps(said) + "\n")
        self._out.flush()
