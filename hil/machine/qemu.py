"""The machine itself: QEMU, what is plugged into it, and its reset button."""

import contextlib
import json
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

QEMU: Final = "/usr/bin/qemu-system-x86_64"
_START_S: Final = 60.0
_SERIAL: Final = "QEMU_QEMU_USB_SERIAL"


KEYBOARD: Final = "typed"
KEYBOARD_PATH: Final = f"/dev/edged/keyboard-QEMU_QEMU_USB_Keyboard_{KEYBOARD}"


def serial_path(name: str) -> str:
    """Give the name that edged's udev rules give a serial adapter, in the machine."""
    return f"/dev/edged/serial-{_SERIAL}_{name}-if00"


@dataclass(frozen=True, slots=True)
class Disks:
    """What a machine boots, or goes on from.

    `state`: what a machine had in its memory when it was saved, with the disk that it had then.
    """

    kernel: Path
    initrd: Path
    disk: Path
    state: Path | None = None


class Machine:
    """One virtual machine with an emulated processor. What it writes is lost with it.

    KVM is not used: it is not everywhere, and where it is not it may hang.

    Args:
        disks: What it boots, or goes on from.
        folder: Its sockets; the path is short.
        adapters: Serial adapters at USB; one is plugged in while something is connected to its
            socket, `cable`. QEMU saves no machine that has one, so they come once it goes on.
        kept: What it writes is written to its disk.
    """

    def __init__(
        self, disks: Disks, folder: Path, adapters: Sequence[str], *, kept: bool = False
    ) -> None:
        self.saved = disks.state is not None
        self._disks = disks
        self._folder = folder
        self._adapters = adapters
        self._kept = kept

    def __enter__(self) -> Self:
        """Switch it on, or let it go on. Raises OSError."""
        self._process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL)
        try:
            self._wait(lambda: self.agent.is_socket() and self._monitor.is_socket())
            self._wait(lambda: self._order("query-status")["status"] != "inmigrate")
            for name in self._adapters:
                adapter = {"driver": "usb-serial", "serial": name, "chardev": name, "id": name}
                self._order("device_add", bus="usb.0", **adapter)
            self._order("cont")  # it was standing still when it was saved
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Switch it off."""
        self._process.kill()
        self._process.wait()

    def _wait(self, holds: Callable[[], bool]) -> None:
        until_s = time.monotonic() + _START_S
        while not holds():
            if self._process.poll() is not None or time.monotonic() > until_s:
                raise OSError("QEMU does not do it")
            time.sleep(0.02)  # files that appear and states can only be looked at

    @property
    def agent(self) -> Path:
        """Where the agent is to be heard."""
        return self._folder / "agent"

    def cable(self, adapter: str) -> Path:
        """Where the outer end of a serial adapter is."""
        return self._folder / adapter

    def reset(self) -> None:
        """Cut its power for a moment: nothing in it hears of it first. Raises OSError."""
        self._order("system_reset")

    def save(self, state: Path) -> None:
        """Have it stand still for good, and save what it has in its memory. Raises OSError."""
        self._order("stop")
        self._order("migrate-set-parameters", **{"max-bandwidth": 2**40})
        self._order("migrate", uri=f"exec:cat >{shlex.quote(str(state))}")
        self._wait(lambda: self._order("query-migrate")["status"] in {"completed", "failed"})
        if "failed" in (said := self._order("query-migrate")).values():
            raise OSError(f"the machine was not saved: {said.get('error-desc')}")

    def _order(self, command: str, **arguments: object) -> dict[str, Any]:
        """Have the monitor do something; what it says. Raises OSError."""
        with socket.socket(socket.AF_UNIX) as monitor, contextlib.ExitStack() as closing:
            monitor.settimeout(_START_S)
            monitor.connect(str(self._monitor))
            lines = closing.enter_context(monitor.makefile("rw"))
            lines.readline()
            said: dict[str, Any] = {}
            for order, given in (("qmp_capabilities", {}), (command, arguments)):
                lines.write(json.dumps({"execute": order, "arguments": given}) + "\n")
                lines.flush()
                while "return" not in (said := _said(lines.readline())):
                    if "error" in said:
                        raise OSError(said["error"]["desc"])
            return dict(said["return"])

    @property
    def _monitor(self) -> Path:
        return self._folder / "monitor"

    def _command(self) -> list[str]:
        disks, ends = self._disks, list[str]()
        for name in self._adapters:
            ends += ["-chardev", f"socket,id={name},path={self.cable(name)},server=on,wait=off"]
        going_on = ["-incoming", f"exec:cat {shlex.quote(str(disks.state))}"] if self.saved else []
        kind = f"format={disks.disk.suffix[1:]},snapshot={'off' if self._kept else 'on'}"
        return [
            *(QEMU, "-M", "q35", "-accel", "tcg,thread=multi"),
            *("-cpu", "Nehalem", "-smp", "2", "-m", "1024", "-display", "none"),
            *("-nodefaults", "-no-user-config", "-serial", f"file:{self._folder / 'console.log'}"),
            *("-kernel", str(disks.kernel), "-initrd", str(disks.initrd)),
            *("-append", "console=ttyS0 quiet panic=-1 mitigations=off audit=0"),
            *("-drive", f"file={disks.disk},if=virtio,cache=unsafe,{kind}"),
            *("-device", "virtio-serial-pci"),
            *("-chardev", f"socket,id=agent,path={self.agent},server=on,wait=off", *ends),
            *("-device", "virtserialport,chardev=agent,name=edged.bench"),
            *("-device", "qemu-xhci,id=usb,p2=8,p3=8"),
            *("-device", f"usb-kbd,serial={KEYBOARD},bus=usb.0"),
            *("-qmp", f"unix:{self._monitor},server=on,wait=off", *going_on),
        ]


def _said(line: str) -> dict[str, Any]:
    if not line:
        raise OSError("the machine is gone")
    said: dict[str, Any] = json.loads(line)
    return said
