"""A mail server on loopback that keeps what it is given, and misbehaves when told to."""

import re
import socket
import ssl
import struct
import threading
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self

#: What may be answered otherwise: the greeting, each command, and the end of an email.
STEPS = ("CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "END", "RSET")


@dataclass(frozen=True)
class Received:
    """One email as the server took it."""

    sender: str
    recipient: str
    content: bytes

    @property
    def message_id(self) -> str:
        return str(message_from_bytes(self.content)["Message-ID"])

    @property
    def subject(self) -> str:
        return str(self._parsed["Subject"])

    @property
    def text(self) -> str:
        """The part that is not HTML, with line feeds."""
        part = self._parsed.get_body(("plain",))
        assert part is not None
        return str(part.get_content()).replace("\r\n", "\n")

    @property
    def _parsed(self) -> EmailMessage:
        message = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message


class FakeSmtp:
    """`start` and `stop`, or a context manager. `messages` are those that were taken, in order."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        auth: bool = False,
        extensions: tuple[str, ...] = (),
    ) -> None:
        self.messages: list[Received] = []
        self.commands: list[str] = []
        self.connections = 0
        self._tls = tls
        self._implicit = implicit
        self._extensions = (*extensions, *(("AUTH PLAIN LOGIN",) if auth else ()))
        #: Answers by step, and how often they are still given (None: always).
        self._answers: dict[str, tuple[bytes, int | None]] = {}
        self._silent: set[str] = set()
        self._cut: set[str] = set()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._open: list[socket.socket] = []
        self._hold: str | None = None
        self._held, self._go_on = threading.Event(), threading.Event()
        self._conversations: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Nobody can connect any more; a second time nothing happens."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        # Closing alone does not wake a thread that waits in accept.
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._socket.close()
        self.drop_connections()

    def answer_at(self, step: str, text: str, times: int | None = None) -> None:
        """Answer `text` at a step (`450 4.2.0 later`).

        One answer of several lines has line feeds; several answers have CR and LF between them.
        """
        assert step in STEPS
        answers = [_lines(each) for each in text.encode("latin-1").split(b"\r\n")]
        self._answers[step] = (b"".join(answers), times)

    def hang_at(self, step: str) -> None:
        """Never answer at this step; at END the email was taken."""
        self._silent.add(step)

    def cut_at(self, step: str) -> None:
        """Reset the connection at this step; at END the email was taken."""
        self._cut.add(step)

    def hold_at(self, step: str) -> None:
        """Answer at this step only after `let_go`; `until_held` waits until it was reached."""
        self._hold = step

    def until_held(self) -> None:
        assert self._held.wait(10), "the step was not reached"

    def let_go(self) -> None:
        self._go_on.set()

    def until_closed(self) -> None:
        """Wait until the client has ended all connections."""
        for thread in self._conversations:
            thread.join(10)
            assert not thread.is_alive(), "a connection is open"

    def heal(self) -> None:
        self._answers.clear()
        self._silent.clear()
        self._cut.clear()

    def drop_connections(self) -> None:
        """End all that are open, as an idle time-out does."""
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
            finally:
                connection.close()
        self._open.clear()

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            if self._stopping.is_set():
                connection.close()
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._conversations.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._implicit and self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            _Conversation(self, connection).run()
        except (OSError, ValueError, _End):
            connection.close()

    def _reply(self, step: str, usual: bytes) -> bytes:
        if step == self._hold:
            self._held.set()
            self._go_on.wait(10)
        if step in self._cut:
            raise _Cut
        if step in self._silent:
            return b""
        answer, times = self._answers.get(step, (usual, None))
        if times is not None:
            if times <= 0:
                return usual
            self._answers[step] = (answer, times - 1)
        return answer


class _End(Exception):
    """The conversation is over."""


class _Cut(_End):
    """By force."""


class _Conversation:
    def __init__(self, server: FakeSmtp, connection: socket.socket) -> None:
        self._server = server
        self._connection = connection
        self._lines = connection.makefile("rb")
        self._sender = self._recipient = ""

    def run(self) -> None:
        try:
            self._say("CONNECT", b"220 fake ESMTP\r\n")
            while line := self._lines.readline():
                self._server.commands.append(line.decode("latin-1").rstrip())
                self._handle(line.decode("latin-1").strip().partition(" ")[0].upper(), line)
        except _Cut:
            # A reset, not a goodbye.
            linger = struct.pack("ii", 1, 0)
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            raise

    def _handle(self, verb: str, line: bytes) -> None:
        if verb == "EHLO":
            self._say("EHLO", self._greeting())
        elif verb == "STARTTLS":
            self._start_tls()
        elif verb == "AUTH":
            self._log_in(line)
        elif verb == "MAIL":
            # RFC 5321 4.1.4: the email before has to be ended, or forgotten by RSET.
            usual = b"503 5.5.1 nested MAIL\r\n" if self._sender else b"250 2.1.0 ok\r\n"
            if self._say("MAIL", usual).startswith(b"2"):
                self._sender = _address(line)
        elif verb == "RCPT":
            self._recipient = _address(line)
            self._say("RCPT", b"250 2.1.5 ok\r\n")
        elif verb == "DATA":
            if self._say("DATA", b"354 go on\r\n").startswith(b"3"):
                self._take_email()
        else:
            self._sender = ""
            self._say(verb, b"250 ok\r\n" if verb != "QUIT" else b"221 bye\r\n")

    def _greeting(self) -> bytes:
        names = ["fake", *self._server._extensions]
        if self._server._tls is not None and not self._server._implicit:
            names.append("STARTTLS")
        lines = [f"250-{name}" for name in names[:-1]] + [f"250 {names[-1]}"]
        return "\r\n".join(lines).encode() + b"\r\n"

    def _start_tls(self) -> None:
        if not self._say("STARTTLS", b"220 go on\r\n").startswith(b"220"):
            return
        assert self._server._tls is not None
        self._lines.close()
        self._connection = self._server._tls.wrap_socket(self._connection, server_side=True)
        self._server._open.append(self._connection)
        self._lines = self._connection.makefile("rb")

    def _take_email(self) -> None:
        content = bytearray()
        while (line := self._lines.readline()) != b".\r\n":
            if not line:
                raise _End
            content += line[1:] if line.startswith(b".") else line
        received = Received(self._sender, self._recipient, bytes(content))
        self._sender = ""
        answer = b""  # Silence and a reset come when the email was taken.
        try:
            answer = self._server._reply("END", b"250 2.0.0 queued\r\n")
        finally:
            if answer[:1] not in (b"4", b"5"):
                self._server.messages.append(received)
        self._connection.sendall(answer)

    def _log_in(self, line: bytes) -> None:
        """AUTH PLAIN comes with all it needs, AUTH LOGIN is asked for name and password."""
        if line.upper().startswith(b"AUTH LOGIN"):
            for prompt in (b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n"):
                self._connection.sendall(prompt)
                self._server.commands.append(self._lines.readline().decode("latin-1").rstrip())
        self._say("AUTH", b"235 2.7.0 welcome\r\n")

    def _say(self, step: str, usual: bytes) -> bytes:
        answer = self._server._reply(step, usual)
        if answer:
            self._connection.sendall(answer)
        return answer


def _lines(answer: bytes) -> bytes:
    *more, last = answer.split(b"\n")
    return b"".join(line[:3] + b"-" + line[4:] + b"\r\n" for line in more) + last + b"\r\n"


def _address(line: bytes) -> str:
    found = re.search(rb"<(.*)>", line)
    return found[1].decode("latin-1") if found else ""
