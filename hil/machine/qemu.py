"""The machine itself: QEMU, what is plugged into it, and its reset button."""

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

_START_S: Final = 20.0
_SERIAL: Final = "QEMU_QEMU_USB_SERIAL"


KEYBOARD: Final = "typed"
KEYBOARD_PATH: Final = f"/dev/edged/keyboard-QEMU_QEMU_USB_Keyboard_{KEYBOARD}"


def serial_path(name: str) -> str:
    """Give the name that edged's udev rules give a serial adapter, in the machine."""
    return f"/dev/edged/serial-{_SERIAL}_{name}-if00"


@dataclass(frozen=True, slots=True)
class Boot:
    """What is booted. `folder`: the machine's sockets; its path is short."""

    kernel: Path
    initrd: Path
    disk: Path
    folder: Path


class Machine:
    """One virtual machine with an emulated processor. What it writes is lost with it.

    `adapters`: serial adapters at USB; one is plugged in while something is connected to its
    socket, `cable`. KVM is not used: it is not everywhere, and where it is not it may hang.
    """

    def __init__(self, boot: Boot, adapters: Sequence[str]) -> None:
        self._boot = boot
        self._adapters = adapters

    def __enter__(self) -> Self:
        """Switch it on. Raises OSError."""
        self._process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL)
        until_s = time.monotonic() + _START_S
        while not (self.agent.is_socket() and self._monitor.is_socket()):
            if self._process.poll() is not None or time.monotonic() > until_s:
                raise OSError("QEMU did not start")
            time.sleep(0.05)  # a file that appears can only be looked for
        return self

    def __exit__(self, *_: object) -> None:
        """Switch it off."""
        self._process.kill()
        self._process.wait()

    @property
    def agent(self) -> Path:
        """Where the agent is to be heard."""
        return self._boot.folder / "agent"

    def cable(self, adapter: str) -> Path:
        """Where the outer end of a serial adapter is."""
        return self._boot.folder / adapter

    def reset(self) -> None:
        """Cut its power for a moment: nothing in it hears of it first. Raises OSError."""
        self._order("system_reset")

    def _order(self, command: str) -> None:
        with socket.socket(socket.AF_UNIX) as monitor, contextlib.ExitStack() as closing:
            monitor.settimeout(_START_S)
            monitor.connect(str(self._monitor))
            lines = closing.enter_context(monitor.makefile("rw"))
            lines.readline()
            for order in ("qmp_capabilities", command):
                lines.write(json.dumps({"execute": order}) + "\n")
                lines.flush()
                while "return" not in (said := _said(lines.readline())):
                    if "error" in said:
                        raise OSError(said["error"]["desc"])

    @property
    def _monitor(self) -> Path:
        return self._boot.folder / "monitor"

    def _command(self) -> list[str]:
        boot, adapters = self._boot, list[str]()
        for name in self._adapters:
            adapters += ["-chardev", f"socket,id={name},path={self.cable(name)},server=on,wait=off"]
            adapters += ["-device", f"usb-serial,serial={name},chardev={name},bus=usb.0"]
        return [
            *("/usr/bin/qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi"),
            *("-cpu", "Nehalem", "-smp", "2", "-m", "1024", "-display", "none"),
            *("-nodefaults", "-no-user-config", "-serial", f"file:{boot.folder / 'console.log'}"),
            *("-kernel", str(boot.kernel), "-initrd", str(boot.initrd)),
            *("-append", "console=ttyS0 quiet panic=-1 mitigations=off audit=0"),
            *("-drive", f"file={boot.disk},if=virtio,format=raw,cache=unsafe,snapshot=on"),
            *("-device", "virtio-serial-pci"),
            *("-chardev", f"socket,id=agent,path={self.agent},server=on,wait=off"),
            *("-device", "virtserialport,chardev=agent,name=edged.bench"),
            *("-device", "qemu-xhci,id=usb", *adapters),
            *("-device", f"usb-kbd,serial={KEYBOARD},bus=usb.0"),
            *("-qmp", f"unix:{self._monitor},server=on,wait=off"),
        ]


def _said(line: str) -> dict[str, Any]:
    if not line:
        raise OSError("the machine is gone")
    said: dict[str, Any] = json.loads(line)
    return said
