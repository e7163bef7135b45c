"""The spoke's proxy, run for a while: whether it says that it serves nothing, and finds a hub whose name comes later."""

import os
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request

HOST = "hub.test"
# How long a change may take until the proxy says so, in seconds, on a busy machine.
PATIENCE = 30


class Names:
    """A server of names that knows none until it is told to; then every name is 127.0.0.1."""

    def __init__(self):
        self.known = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.answer, daemon=True).start()

    def answer(self):
        while True:
            question, asker = self.socket.recvfrom(4096)
            # After the header of twelve bytes: the name, which a 0 ends, its type and its class.
            end = question.index(0, 12) + 5
            ipv4 = question[end - 4:end - 2] == b"\0\1"
            flags = b"\x81\x80" if self.known else b"\x81\x83"
            address = b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x7f\0\0\1" if self.known and ipv4 else b""
            counts = b"\0\1" + (b"\0\1" if address else b"\0\0") + b"\0\0\0\0"
            self.socket.sendto(question[:2] + flags + counts + question[12:end] + address, asker)


class Hub:
    """A server that asks for the certificate of the cluster, and whose own is for HOST alone."""

    def __init__(self, files):
        self.names = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files / "hub.crt", files / "hub.key")
        context.load_verify_locations(files / "client/tls.crt")
        context.verify_mode = ssl.CERT_REQUIRED
        context.sni_callback = lambda _, name, __: self.names.append(name)
        self.context, self.socket = context, socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection = self.context.wrap_socket(self.socket.accept()[0], server_side=True)
            except OSError:
                if self.socket.fileno() < 0:
                    return
                continue
            with connection:
                connection.settimeout(5)
                try:
                    if connection.recv(4096):
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nhub")
                except OSError:
                    pass


def certificate(files, name):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", files / "hub.key", "-out", files / "hub.crt"],
        check=True, capture_output=True)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def ask(port, path):
    """The status, or None where there is no answer."""
    try:
        with urllib.request.urlopen(f"https://127.0.0.1:{port}{path}", context=ssl._create_unverified_context(), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def becomes(port, path, status):
    end = time.monotonic() + PATIENCE
    while (found := ask(port, path)) != status and time.monotonic() < end:
        time.sleep(0.2)
    return [] if found == status else [f"{path} is {found} and not {status}"]


def probes(documents):
    """Liveness is about the proxy, readiness about the hub, and whoever calls meanwhile gets an answer."""
    for document in documents:
        if document["kind"] == "Deployment":
            container = document["spec"]["template"]["spec"]["containers"][0]
            for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
                if container[probe]["httpGet"]["path"] != path:
                    yield f"{probe} has to ask {path}"
        elif document["kind"] == "Service" and document["spec"].get("publishNotReadyAddresses") is not True:
            yield "operators give up at a connection that is refused: publishNotReadyAddresses has to be true"


def problems(configuration, folder):
    """What is wrong with the proxy's way from a name that nobody knows to a hub that answers, and back. The files that the
    configuration names are in the folder."""
    certificate(folder, HOST)
    (folder / "hub/ca.crt").write_bytes((folder / "hub.crt").read_bytes())
    names, hub, port = Names(), Hub(folder), free_port()
    text = configuration.replace("parse-resolv-conf", f"nameserver test 127.0.0.1:{names.port}").replace(" :8443", f" 127.0.0.1:{port}")
    text = text.replace("check inter 30s", "check inter 1s")
    (folder / "run.cfg").write_text(text)
    environment = {**os.environ, "REPORTS_HOST": HOST, "UPLOAD_HOST": HOST, "HUB_PORT": str(hub.port)}
    with open(folder / "log", "w", encoding="utf-8") as log:
        proxy = subprocess.Popen(["haproxy", "-db", "-f", folder / "run.cfg"], env=environment, stdout=log, stderr=log)
    found = []
    try:
        found += becomes(port, "/healthz", 200)
        found += [f"with a name that nobody knows, {problem}" for problem in becomes(port, "/readyz", 503)]
        names.known = True
        found += [f"once the name is known, {problem}" for path in ("/readyz", "/api/v2/info") for problem in becomes(port, path, 200)]
        end = time.monotonic() + PATIENCE
        while len(hub.names) < 6 and time.monotonic() < end:
            time.sleep(0.2)
        if len(hub.names) < 6:
            found.append("nothing checks whether the hub is there")
        if None in hub.names:
            found.append("a check names no host, which a route that passes TLS through goes by")
        hub.socket.close()
        found += [f"once the hub is away, {problem}" for path, status in (("/readyz", 503), ("/healthz", 200))
                  for problem in becomes(port, path, status)]
    finally:
        proxy.kill()
        proxy.wait()
    return [f"{problem}\n{(folder / 'log').read_text()[-2000:]}" for problem in found]
