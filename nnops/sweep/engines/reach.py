"""Whether a Ray cluster answers at an address, found out in seconds; Ray itself takes 40 of them to say no.

The head of a cluster speaks gRPC, so it is asked whether it lives by a call in plain bytes of HTTP/2.
"""

import os
import re
import socket
import struct
import tempfile
import time
from pathlib import Path

from nnops.errors import InputError
from nnops.sweep.within import within

#: Seconds for looking up the name, for the connection, and for the first answer.
LOOK_UP_S, CONNECT_S, ANSWER_S = 3.0, 3.0, 3.0
#: A question to a cluster's head. It answers with its name for gRPC even where it wants a token; a proxy does not.
QUESTION = b"/ray.rpc.NodeInfoGcsService/CheckAlive"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#: Types of frames of HTTP/2 (RFC 9113, section 6), and what the last one of a sort is flagged with.
DATA, HEADERS, SETTINGS = 0, 1, 4
ACK, END_STREAM, END_HEADERS = 1, 1, 4


def find_cluster(address: str) -> str:
    """The ``host:port`` of a Ray cluster that answers.

    Args:
        address: ``host:port`` of its head, or ``auto`` for the one that this machine belongs to.

    Raises:
        InputError: There is none, or nobody answers, or whoever does is no Ray.
    """
    found = _find_own() if address == "auto" else address
    host, port = _parse(found)
    try:
        family, *_, place = within(LOOK_UP_S, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))[0]
        with socket.socket(family, socket.SOCK_STREAM) as stream:
            stream.settimeout(CONNECT_S)
            stream.connect(place)
            # Behind TLS the first word is not ours to say.
            if os.environ.get("RAY_USE_TLS", "0") in ("1", "true") or _speaks_grpc(stream, host, port):
                return found
            reason = "whoever answers there is no Ray"
    except TimeoutError:
        reason = "nobody answers within a few seconds"
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
    raise InputError(
        f"no Ray cluster answers at {found}: {reason}; start its head with 'ray start --head', write the head's host"
        " and port (6379 unless chosen otherwise) as --address, or leave it out to run on this machine alone."
    )


def _parse(address: str) -> tuple[str, int]:
    matched = re.fullmatch(r"\[?([^/\s]+?)\]?:(\d{1,5})", address)
    if matched is None or int(matched[2]) > 65535:
        raise InputError(
            "the address of a Ray cluster must be host:port of its head, such as 10.0.0.5:6379, or auto, got"
            f" '{address}'."
        )
    return matched[1], int(matched[2])


def _find_own() -> str:
    """The cluster that this machine belongs to, by the places where ``ray start`` notes it."""
    given = os.environ.get("RAY_ADDRESS", "")
    if given and given != "auto":
        return given
    note = Path(os.environ.get("RAY_TMPDIR", tempfile.gettempdir())) / "ray" / "ray_current_cluster"
    if note.exists():
        return note.read_text(encoding="utf-8").strip()
    raise InputError(
        "this machine belongs to no Ray cluster; join one with 'ray start --address HOST:PORT', write --address"
        " HOST:PORT, or leave --address out to run on this machine alone."
    )


def _speaks_grpc(stream: socket.socket, host: str, port: int) -> bool:
    stream.settimeout(ANSWER_S)
    # Method POST and scheme http by their places in HPACK's table (RFC 7541, appendix A), the rest spelled out.
    headers = b"\x83\x86" + _spelled(4, QUESTION) + _spelled(1, f"{host}:{port}".encode())
    headers += _spelled(31, b"application/grpc") + b"\x00\x02te\x08trailers"
    opening = PREFACE + _frame(SETTINGS, 0, 0, b"") + _frame(SETTINGS, ACK, 0, b"")
    # An empty message: no compression, length 0.
    stream.sendall(opening + _frame(HEADERS, END_HEADERS, 1, headers) + _frame(DATA, END_STREAM, 1, bytes(5)))
    answer, until_s = b"", time.monotonic() + ANSWER_S
    while b"application/grpc" not in answer:
        more = stream.recv(4096)
        answer += more
        if not more or time.monotonic() > until_s or _answered(answer):
            return b"application/grpc" in answer
    return True


def _answered(answer: bytes) -> bool:
    """Whether the call was answered, by whatever: its headers are there, or its end."""
    while len(answer) >= 9:
        size, kind, number = int.from_bytes(answer[:3], "big"), answer[3], int.from_bytes(answer[5:9], "big")
        if number == 1 and kind != DATA and len(answer) >= 9 + size:
            return True
        answer = answer[9 + size :]
    return False


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + content


def _spelled(place: int, value: bytes) -> bytes:
    """A header whose name stands in HPACK's table, not to be remembered (RFC 7541, section 6.2.2)."""
    name = bytes([place]) if place < 15 else bytes([15, place - 15])
    return name + bytes([len(value)]) + value
