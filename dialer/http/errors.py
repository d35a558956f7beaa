"""How a request that fails is answered: always ``{"error": ..., "expected": ...}`` and never a stack trace.

Owns the texts for each HTTP status and for faults that pydantic finds. Must not call the port.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog
from flask import Flask, Response, jsonify, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from dialer.http.shapes import EXPECTED

_STATUS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("the request cannot be read", "well-formed HTTP with a JSON object as its body"),
    404: ("no such path", "one of the paths listed in /openapi"),
    405: ("this path does not take this method", "one of the methods in the Allow header"),
    408: ("the request took too long", "a whole request within half a minute"),
    413: ("the body is too large", "at most 16 KiB"),
    415: ("the body is not declared as JSON", "Content-Type: application/json"),
    500: (
        "the service failed on this request; its log says why",
        "a report of this fault to whoever runs it",
    ),
}
_EXPECTED_BY_KIND: Final[Mapping[str, str]] = {
    "missing": "a value",
    "extra_forbidden": "no such key",
    "string_type": "a string",
    "string_too_short": "some text",
    "bool_type": "true or false",
    "string_unicode": "valid Unicode text",
    "model_type": "a JSON object",
    "dict_type": "a JSON object",
}


def fault(status: int, error: str, expected: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that says what is wrong and what was expected. Needs an application context."""
    response = jsonify({"error": error, "expected": expected})
    response.status_code = status
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def invalid(error: ValidationError) -> Response:
    """422 with each wrong field by name. The values are not repeated: they may be anything."""
    wrong: list[str] = []
    expected: list[str] = []
    for item in error.errors(include_url=False, include_input=False):
        where = ".".join(_printable(str(part)) for part in item["loc"]) or "body"
        context = item.get("ctx", {})
        if item["type"] == "string_pattern_mismatch":
            wish = EXPECTED.get(str(context.get("pattern")), "another form")
        elif item["type"] == "string_too_long":
            wish = f"at most {context.get('max_length')} characters"
        else:
            wish = _EXPECTED_BY_KIND.get(item["type"], "another value")
        wrong.append(where)
        expected.append(f"{where}: {wish}")
    return fault(422, "not usable: " + ", ".join(dict.fromkeys(wrong)), "; ".join(dict.fromkeys(expected)))


def register(app: Flask) -> None:
    """Make ``app`` answer every error in this form."""

    def http_error(error: HTTPException) -> Response | HTTPException:
        if error.response is not None or error.code is None or error.code < 400:
            return error
        text, expected = _STATUS.get(error.code, (error.name.lower(), "another request"))
        headers = {k: v for k, v in error.get_headers() if k.lower() in {"allow", "retry-after", "www-authenticate"}}
        return fault(error.code, text, expected, headers)

    def unforeseen(error: Exception) -> Response:
        structlog.get_logger().error(
            "request failed", method=request.method, path=_printable(request.path), exc_info=error
        )
        return fault(500, *_STATUS[500])

    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, unforeseen)


def _printable(text: str) -> str:
    short = text if len(text) <= 80 else text[:79] + "…"
    return short if short.isprintable() else short.encode("unicode_escape").decode("ascii")
