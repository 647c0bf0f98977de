"""drivers/eye/serve.py: who hears the eye, how often, and that nobody can make it wait."""

import json
import socket
from base64 import b64decode
from pathlib import Path

import pytest

from drivers.eye import limits
from drivers.eye.capture import Sight
from drivers.eye.serve import Repeats, beat_line, served, text_line


def connected(path: Path) -> socket.socket:
    reader = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    reader.settimeout(60)
    reader.connect(str(path))
    return reader


def test_the_lines_are_as_the_readme_says() -> None:
    assert beat_line(Sight.CLEAR) == b'{"alive": true}\n'
    assert beat_line(Sight.NONE) == b'{"alive": false}\n'
    assert beat_line(Sight.FROZEN) == b'{"frozen": true}\n'
    longest = bytes(range(256)) * 2
    line = text_line(longest)
    assert line.endswith(b"\n")
    assert len(line) <= limits.LINE_BYTES
    assert b64decode(json.loads(line)["text"]) == longest


def test_everybody_hears_every_line_after_the_greeting(tmp_path: Path) -> None:
    path = tmp_path / "eye"
    with served(path) as audience, connected(path) as first, connected(path) as second:
        audience.admit(b"hello\n")
        audience.tell(b"one\n")
        assert (first.recv(99), second.recv(99)) == (b"hello\none\n",) * 2


def test_only_owner_and_group_may_listen_and_the_socket_goes_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "eye"
    with served(path):
        assert path.stat().st_mode & 0o777 == 0o660
    assert not path.exists()


def test_there_is_a_most_of_readers(tmp_path: Path) -> None:
    path = tmp_path / "eye"
    with served(path) as audience:
        readers = []
        for _ in range(limits.READERS + 1):
            readers.append(connected(path))
            audience.admit(b"hello\n")
        assert [reader.recv(99) for reader in readers] == [b"hello\n"] * limits.READERS + [b""]
        for reader in readers:
            reader.close()


def test_who_does_not_read_is_dropped_and_the_others_hear_on(tmp_path: Path) -> None:
    path = tmp_path / "eye"
    line = text_line(b"x" * 512)
    with served(path) as audience, connected(path) as deaf, connected(path) as good:
        audience.admit(b"")
        for _ in range(2000):
            audience.tell(line)
            assert good.recv(2048) == line
        heard = b""
        while part := deaf.recv(65536):
            heard += part
        assert 0 < len(heard) < 2000 * len(line)


def test_who_left_makes_room(tmp_path: Path) -> None:
    path = tmp_path / "eye"
    with served(path) as audience:
        for _ in range(3 * limits.READERS):
            with connected(path) as reader:
                audience.admit(b"hello\n")
                assert reader.recv(99) == b"hello\n"
            audience.tell(b"line\n")


def test_a_killed_predecessors_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "eye"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with served(path), connected(path):
        pass


def test_a_living_eyes_socket_and_other_files_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "eye"
    with served(path), pytest.raises(FileExistsError, match="another eye"), served(path):
        pass
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="no socket"), served(path):
        pass
    assert path.read_text() == "precious"


def test_a_text_in_view_is_due_about_three_times_a_second() -> None:
    repeats = Repeats()
    due = [now for now in range(30) if repeats.due(b"code", now / 30)]
    assert due == [0, 9, 18, 27]


def test_two_texts_do_not_hold_each_other_up() -> None:
    repeats = Repeats()
    assert repeats.due(b"a", 0.0)
    assert repeats.due(b"b", 0.0)


def test_a_flood_of_texts_is_bounded() -> None:
    repeats = Repeats()
    told = sum(repeats.due(b"%d" % n, n / 1000) for n in range(1000))
    assert told <= limits.REMEMBERED * (1 / limits.REPEAT_S + 1)
