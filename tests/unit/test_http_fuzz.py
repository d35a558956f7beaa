"""Nothing that can be sent makes the API fail: no 500, always JSON with error and expected, no order by accident."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dialer.http.app import make_app
from dialer.http.testing import FakePort, sample_status

TOKEN = "fuzz-token"
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"])
SEGMENT = st.sampled_from(
    [
        "v1",
        "agents",
        "campaigns",
        "status",
        "1001",
        "spring",
        "pause",
        "dispose",
        "login",
        "acts",
        "supervisors",
        "start",
        "metrics",
        "openapi",
    ]
) | st.text(max_size=8)
PATHS = st.lists(SEGMENT, max_size=5).map(lambda parts: "/" + "/".join(parts)) | st.text(max_size=20).map(
    lambda t: "/" + t
)
LATIN = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Accept", "Content-Type", "Host", "Content-Length", "Transfer-Encoding", "Range", "Cookie", "Forwarded"]
    ),
    LATIN
    | st.sampled_from(
        ["application/json", "application/openmetrics-text; version=x", "chunked", "a:b:c", "[::1", "-1"]
    ),
    max_size=3,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
BODIES = st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode())
ORDER_BODIES = st.dictionaries(
    st.sampled_from(["seat", "reason", "code", "note", "act", "argument", "agent", "extra"]),
    st.text(max_size=10) | st.none() | st.integers(),
    max_size=3,
)
ORDERS = st.sampled_from(["login", "logout", "pause", "ready", "accept", "skip", "dispose", "acts"])


PORT = FakePort()
APP = make_app(PORT, TOKEN)
"""One for all examples: building it costs far more than a request."""


@dataclass
class Answer:
    status: int
    body: bytes


def send(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
    """One request as the server hands it over: path and headers as latin-1 text, nothing else checked before."""
    PORT.orders.clear()
    PORT.shown = sample_status()
    path_bytes, _, query = path.encode("utf-8", "surrogatepass").partition(b"?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path_bytes.decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8088",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    told: list[str] = []
    chunks = APP(environ, lambda status, *_rest: told.append(status))
    data = b"".join(chunks)
    return Answer(int(told[0][:3]), data)


def check(answer: Answer, method: str) -> None:
    assert answer.status < 500, answer.body
    assert b"Traceback" not in answer.body
    if answer.status >= 400 and method != "HEAD":
        told = json.loads(answer.body)
        assert set(told) == {"error", "expected"}
        assert told["expected"]


@given(METHODS, PATHS, HEADERS, BODIES, st.booleans())
@example("POST", "/v1/agents/1001/pause", {"Content-Type": "application/json"}, b"{" * 9000, True)
@example("GET", "/metrics", {"Accept": "application/openmetrics-text; version=x; escaping=y"}, b"", False)
@example("GET", "/v1/status", {"Host": "[::1"}, b"", True)
@settings(max_examples=500, deadline=None)
def test_any_request(method: str, path: str, headers: dict[str, str], body: bytes, known: bool) -> None:
    if known:
        headers = {**headers, "Authorization": f"Bearer {TOKEN}"}
    check(send(method, path, headers, body), method)
    if not known or method != "POST":
        assert PORT.orders == []


@given(ORDERS, ORDER_BODIES)
@settings(max_examples=300, deadline=None)
def test_any_order_body(order: str, body: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    answer = send("POST", f"/v1/agents/1001/{order}", headers, json.dumps(body).encode())
    check(answer, "POST")
    assert answer.status in {200, 409, 422}
    assert (answer.status == 422) == (PORT.orders == [])


@given(LATIN)
@settings(max_examples=200, deadline=None)
def test_any_credentials(shown: str) -> None:
    assert send("POST", "/v1/agents/1001/pause", {"Authorization": shown}).status == 401
    assert PORT.orders == []
