"""How a client is tested against a real gathering."""

import json
import os
import subprocess
import time
import unittest
import urllib.error
import urllib.request

PROGRAM = os.environ.get("GATHERING_PROGRAM", "gathering")
CLUSTER = "5d5892d3-1f74-4ccf-91af-548dfc9767aa"
# A hit that the demo's rule content knows, as critical.
CRITICAL = "demo_rules.external.memory_pressure|NODE_MEMORY_EXHAUSTED"


class Gathering:
    """A server with a database of its own and without any request, until the `with` block ends."""

    def __init__(self, *arguments: str) -> None:
        self.command = [
            PROGRAM, "demo", "--json", "--until-eof", "--messages", os.devnull,
            "--set", "http.bind=127.0.0.1:0", "--set", "admin.bind=127.0.0.1:0", *arguments,
        ]

    def __enter__(self) -> "Gathering":
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"gathering ended with {self.process.wait()}")
        said = json.loads(line)
        self.api, self.token, self.organization = said["api"], said["token"], said["organization"]
        return self

    def __exit__(self, *_) -> None:
        # It ends with its standard input, also if this process is killed.
        self.process.communicate()

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, dict]:
        """Sends a request; the status and the body of its answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.api + path, method=method, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.load(refusal)

    def post(self, kind: str, *sample: str) -> None:
        """Prints a sample message, and takes the pipeline's part by sending it."""
        arguments = ["--org", str(self.organization), "--cluster", CLUSTER, *sample]
        message = subprocess.run([PROGRAM, "sample", kind, *arguments], check=True, stdout=subprocess.PIPE)
        code, answer = self.call("POST", f"/ingest/{kind}s", message.stdout)
        assert (code, answer["stored"] + answer["failed"]) == (200, 1), answer

    def status(self, request: str) -> str | None:
        """What a client polls: the state of a request, nothing for one that is not known."""
        code, answer = self.call("GET", f"/cluster/{CLUSTER}/request/{request}/status")
        return None if code == 404 else answer["status"]

    def until(self, request: str, state: str | None) -> None:
        """Polls until a request has this state."""
        end = time.monotonic() + 60
        while self.status(request) != state:
            assert time.monotonic() < end, f"{request} never was {state}"
            time.sleep(0.05)


class ClientTest(unittest.TestCase):
    def test_a_report_is_there_once_its_request_is_processed(self) -> None:
        with Gathering() as server:
            self.assertIsNone(server.status("abc"))
            server.post("announcement", "--request", "abc")
            server.until("abc", "received")

            server.post("result", "--request", "abc", "--hit", CRITICAL)
            server.until("abc", "processed")
            _, answer = server.call("GET", f"/cluster/{CLUSTER}/request/abc/report")
            self.assertEqual([hit["total_risk"] for hit in answer["report"]], [4])

    def test_a_request_that_failed(self) -> None:
        with Gathering() as server:
            server.post("result", "--request", "abc", "--failed")
            server.until("abc", "failed")

    def test_a_request_that_expires(self) -> None:
        with Gathering("--set", "storage.retention=2s") as server:
            server.post("result", "--request", "abc")
            server.until("abc", None)


if __name__ == "__main__":
    unittest.main()
