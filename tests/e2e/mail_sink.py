"""A mail server that takes everything: STARTTLS and AUTH PLAIN or LOGIN, one thread for each connection."""
import base64
import contextlib
import socketserver
import ssl
import subprocess
import threading


def make_certificate(folder):
    """Paths of a self-signed certificate for 127.0.0.1 and of its key."""
    certificate, key = folder / "mail.crt", folder / "mail.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return certificate, key


class MailSink:
    """Use it in a with statement. `mails` has what arrived: {"from", "to", "message", "tls", "user", "password"}."""

    def __init__(self, certificate=None, key=None, password=None):
        self.mails = []
        self.lines = []  # what clients said before TLS
        self._context = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate, key)
        self._password = password
        sink = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError):  # the client hung up, or did not like the certificate
                    sink._serve(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"smtp://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, connection):
        mail = {"to": [], "tls": False, "user": None, "password": None}
        stream = connection.makefile("rb")

        def say(*lines):
            connection.sendall("".join(line + "\r\n" for line in lines).encode())

        say("220 sink")
        while line := stream.readline().decode().rstrip("\r\n"):
            if not mail["tls"]:
                self.lines.append(line)
            verb = line.split(":")[0].split()[0].upper()
            if verb == "EHLO":
                offers = ["250-sink", "250-8BITMIME"]
                if self._context and not mail["tls"]:
                    offers.append("250-STARTTLS")
                if self._password:
                    offers.append("250-AUTH PLAIN")
                say(*offers, "250 SIZE 35000000")
            elif verb == "STARTTLS":
                say("220 go on")
                connection = self._context.wrap_socket(connection, server_side=True)
                stream = connection.makefile("rb")
                mail["tls"] = True
            elif verb == "AUTH":
                words = line.split()
                if len(words) < 3:
                    say("334 ")
                    words.append(stream.readline().decode().strip())
                _, user, password = base64.b64decode(words[2]).decode().split("\0")
                if password != self._password:
                    say("535 5.7.8 refused")
                    continue
                mail["user"], mail["password"] = user, password
                say("235 yes")
            elif verb == "MAIL":
                mail["from"] = line.partition("<")[2].partition(">")[0]
                say("250 yes")
            elif verb == "RCPT":
                mail["to"].append(line.partition("<")[2].partition(">")[0])
                say("250 yes")
            elif verb == "DATA":
                say("354 go on")
                body = []
                while (text := stream.readline()) != b".\r\n":
                    body.append(text[1:] if text.startswith(b"..") else text)
                mail["message"] = b"".join(body)
                self.mails.append(mail)
                say("250 taken")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 yes")
