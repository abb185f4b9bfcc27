"""The OpenAPI document: ninja's, with the problems that each operation may answer."""

from typing import Any

from ninja import NinjaAPI, Schema

from amphi.system.problems import MEDIA_TYPE, TITLES

CONFLICTS = "x-conflicts"
"""In an operation's `openapi_extra`: the statuses of what its use case may refuse."""


class Fault(Schema):
    """What is wrong with one value."""

    pointer: str
    detail: str


class ProblemOut(Schema):
    """RFC 9457, with a code for programs."""

    type: str
    title: str
    status: int
    code: str
    detail: str


def refuses(*statuses: int) -> dict[str, Any]:
    """`openapi_extra` for an operation whose use case may refuse."""
    return {CONFLICTS: list(statuses)}


def with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """`document` with what `door`, `rules` and the parser may answer at each operation."""
    schemas = document["components"]["schemas"]
    schemas["Problem"] = ProblemOut.model_json_schema()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            statuses = {401, 403, 429, 503, *operation.pop(CONFLICTS, [])}
            statuses |= {404} if "{" in path else set()
            statuses |= {422} if operation["parameters"] or "requestBody" in operation else set()
            statuses |= {413} if "requestBody" in operation else set()
            statuses |= {400} if "requestBody" in operation or method == "post" else set()
            statuses |= {409, 422} if method == "post" else set()
            for status in sorted(statuses):
                operation["responses"].setdefault(str(status), _problem(status))
            if method == "post":
                operation["parameters"].append(_IDEMPOTENCY_KEY)
    return document


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": _plain(status), "content": {MEDIA_TYPE: {"schema": schema}}}


def _plain(status: int) -> str:
    return str(TITLES[status])


_IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "Sent twice with one key, a request is carried out once and answered the same, for a day.",
    "schema": {"type": "string", "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
}


class DocumentedAPI(NinjaAPI):
    """An API whose document says what else it may answer."""

    def get_openapi_schema(self, **options: Any) -> Any:
        """The document."""
        document = super().get_openapi_schema(**options)
        return with_problems(document)
