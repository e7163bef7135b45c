"""Calls a running server with the client that openapi-python-client made of docs/openapi.json.

What runs where, and with which tokens, say the variables that tests/clients/run.js sets.
"""

import datetime
import io
import os
from uuid import UUID

from gathering_client import AuthenticatedClient, Client
from gathering_client.api.ingest import ingest_announcements, ingest_results
from gathering_client.api.requests import get_request_report, get_request_status, list_requests, select_requests
from gathering_client.api.service import info
from gathering_client.models import (
    AnnouncementMessage,
    Failure,
    InfoBody,
    IngestSummary,
    RequestList,
    RequestReport,
    RequestStatus,
    ResultMessage,
    State,
)
from gathering_client.types import UNSET, File, Unset

URL = os.environ["GATHERING_URL"]
CLUSTER = UUID(os.environ["GATHERING_CLUSTER"])


def client(name: str) -> AuthenticatedClient:
    """A client with a token of this name; an answer that the document does not know is an error."""
    return AuthenticatedClient(URL, token=os.environ[f"GATHERING_TOKEN_{name}"], raise_on_unexpected_status=True)


READER = client("READER")


def states() -> None:
    for request, state in [("processed", State.PROCESSED), ("failed", State.FAILED), ("received", State.RECEIVED)]:
        body = get_request_status.sync(CLUSTER, request, client=READER)
        assert isinstance(body, RequestStatus), body
        assert (body.cluster, body.request_id, body.status) == (CLUSTER, request, state), body
        assert isinstance(body.reason, str) == (state is State.FAILED), body


def lists() -> None:
    body = list_requests.sync(CLUSTER, client=READER)
    assert isinstance(body, RequestList), body
    assert {entry.request_id: entry.status for entry in body.requests} == {
        "processed": State.PROCESSED,
        "failed": State.FAILED,
        "received": State.RECEIVED,
    }, body
    assert isinstance(body.truncated, Unset), body

    body = select_requests.sync(CLUSTER, client=READER, body=["never", "processed", "received"])
    assert isinstance(body, RequestList), body
    never, processed, received = body.requests
    assert (never.valid, never.status, never.received, never.expires) == (False, None, None, None), never
    assert isinstance(processed.processed, datetime.datetime) and processed.processed.tzinfo, processed
    assert (received.valid, received.processed) == (True, None), received


def reports() -> None:
    answer = get_request_report.sync_detailed(CLUSTER, "processed", client=READER)
    body = answer.parsed
    assert isinstance(body, RequestReport), body
    (hit,) = body.report
    assert (hit.rule_fqdn, hit.error_key, hit.total_risk) == ("rules.disk", "FULL", 4), hit
    assert hit.description == "A disk is nearly full.", hit
    assert isinstance(body.expires, datetime.datetime), body
    again = get_request_report.sync_detailed(CLUSTER, "processed", client=READER, if_none_match=answer.headers["etag"])
    assert (again.status_code, again.parsed) == (304, None), again

    body = get_request_report.sync(CLUSTER, "failed", client=READER)
    assert isinstance(body, RequestReport) and body.report == [] and isinstance(body.reason, str), body


def errors() -> None:
    unnamed = Client(URL, raise_on_unexpected_status=True)
    cases = [
        (401, get_request_status.sync_detailed(CLUSTER, "processed", client=client("EXPIRED"))),
        (403, get_request_status.sync_detailed(CLUSTER, "processed", client=client("OTHER_CLUSTER"))),
        (404, get_request_status.sync_detailed(CLUSTER, "never", client=READER)),
        (404, get_request_status.sync_detailed(CLUSTER, "processed", client=client("OTHER_ORGANIZATION"))),
        (400, get_request_status.sync_detailed(CLUSTER, "not-an-id!", client=READER)),
    ]
    for expected, answer in cases:
        assert answer.status_code == expected and isinstance(answer.parsed, Failure), answer
        assert answer.parsed.status.strip(), answer
    refused = select_requests.sync_detailed(CLUSTER, client=READER, body=[""])
    assert refused.status_code == 400 and isinstance(refused.parsed, Failure), refused
    # The generated functions take a client with a token; one without has another type, and none is sent.
    anonymous = unnamed.get_httpx_client().get(f"/cluster/{CLUSTER}/requests")
    assert anonymous.status_code == 401 and Failure.from_dict(anonymous.json()).status, anonymous


def waiting() -> None:
    answer = get_request_status.sync_detailed(CLUSTER, "received", client=READER, prefer="wait=1")
    assert isinstance(answer.parsed, RequestStatus) and answer.parsed.status is State.RECEIVED, answer
    assert answer.headers["preference-applied"] == "wait=1", answer.headers


def ingest() -> None:
    writer = client("WRITER")
    message = ResultMessage.from_dict(
        {
            "OrgID": 7,
            "ClusterName": str(CLUSTER),
            "RequestId": "python1",
            "LastChecked": "2026-03-01T12:00:00Z",
            "Report": {"system": {}, "fingerprints": [], "reports": []},
        }
    )
    body = ingest_results.sync(client=writer, body=message)
    assert isinstance(body, IngestSummary) and (body.stored, body.refusals) == (1, []), body

    lines = File(io.BytesIO(b'{"OrgID": 7}\n\nnothing\n'), mime_type="application/x-ndjson")
    body = ingest_results.sync(client=writer, body=lines)
    assert isinstance(body, IngestSummary) and (body.stored, body.rejected) == (0, 2), body
    assert [refusal.record for refusal in body.refusals] == [1, 2], body

    announced = ingest_announcements.sync(client=writer, body=AnnouncementMessage(request_id="x", b64_identity=UNSET))
    assert isinstance(announced, IngestSummary) and announced.rejected == 1, announced

    refused = ingest_results.sync_detailed(client=READER, body=message)
    assert refused.status_code == 403 and isinstance(refused.parsed, Failure), refused


def service() -> None:
    answer = info.sync_detailed(client=Client(URL), x_rh_insights_request_id="python-1")
    assert isinstance(answer.parsed, InfoBody), answer
    assert answer.parsed.info.gathering.build_version, answer
    assert answer.headers["x-rh-insights-request-id"] == "python-1", answer.headers


for check in (states, lists, reports, errors, waiting, ingest, service):
    check()
    print(f"python: {check.__name__}")
