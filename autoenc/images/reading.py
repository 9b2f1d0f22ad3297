"""Read regular files and nothing else: a pipe, a device or a file of the kernel can keep its reader for ever."""

from __future__ import annotations

import os
import stat
from functools import cache

from autoenc.errors import ImageDecodeError, ImageTooLargeError
from autoenc.files import mounted
from autoenc.images import limits

_KERNEL = frozenset(
    {"proc", "sysfs", "debugfs", "tracefs", "securityfs", "cgroup", "cgroup2", "configfs", "bpf", "pstore", "efivarfs"}
    | {"mqueue", "fusectl", "devpts", "binfmt_misc", "nsfs", "selinuxfs", "rpc_pipefs"}
)
"""File systems of Linux whose files are made by the kernel when they are read."""

_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@cache
def kernel_devices() -> frozenset[int]:
    """The `st_dev` of every mounted file system that the kernel makes up, such as /proc and /sys; none but on Linux."""
    return frozenset(device for device, kind in mounted().items() if kind in _KERNEL)


def read_regular(path: str | os.PathLike[str]) -> tuple[bytes, os.stat_result]:
    """The bytes of a file, and its status from before they were read. Anything but a regular file is never opened.

    Raises (the messages do not name the file):
        ImageTooLargeError: more than `limits.MAX_BYTES` bytes.
        ImageDecodeError: the file does not exist, cannot be read, is not a regular file, is empty, or changes while it
            is read.
    """
    try:
        _check(os.stat(path))  # noqa: PTH116  faster
        # Another file may have taken the name since: opening must not wait for it, and it is looked at again.
        descriptor = os.open(path, os.O_RDONLY | _FLAGS)
        try:
            status = os.fstat(descriptor)
            _check(status)
            data = os.read(descriptor, status.st_size + 1)
            # A network's file system may give less than it is asked for.
            while 0 < len(data) < status.st_size and (more := os.read(descriptor, status.st_size + 1 - len(data))):
                data += more
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ImageDecodeError(f"The file cannot be read: {error.strerror}.") from error
    except ValueError as error:  # a NUL in the name
        raise ImageDecodeError(f"The file cannot be read: {error}.") from error
    if len(data) != status.st_size:
        raise ImageDecodeError("The file changed while it was read.")
    return data, status


def _check(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ImageDecodeError("Not a regular file.")
    if status.st_dev in kernel_devices():
        raise ImageDecodeError("Not a stored file: the kernel makes it up when it is read.")
    if status.st_size > limits.MAX_BYTES:
        raise ImageTooLargeError(f"The file has {status.st_size:,} bytes; the limit is {limits.MAX_BYTES:,}.")
    if not status.st_size:
        raise ImageDecodeError("The file is empty (0 bytes).")
