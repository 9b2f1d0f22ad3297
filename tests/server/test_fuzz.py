"""The API's own description, fuzzed by schemathesis: whatever it allows, and what it does not, is no server error."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis.errors import Unsatisfiable
from serving import KEY, Client

from autoenc import open_store

schemathesis = pytest.importorskip("schemathesis", reason="fuzzing needs schemathesis: pip install 'autoenc[dev]'")

EXAMPLES = 8
QUICK = {
    "deadline": None,
    "database": None,
    "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck),
    "derandomize": True,
}


@pytest.fixture(scope="module")
def operations(client: Client) -> dict:
    document = client.get("/v1/openapi.json").json()
    return {op.ok().label: op.ok() for op in schemathesis.openapi.from_dict(document).get_all_operations()}


def test_the_description_is_complete(operations: dict) -> None:
    assert {"POST /v1/search", "GET /v1/images/{id}/thumbnail", "POST /v1/tag", "GET /v1/between"} <= set(operations)
    assert len(operations) >= 22


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_nothing_that_is_asked_is_a_server_error(shop: Path, serving, operations: dict, mode: str) -> None:
    """Each operation with what fits its description, or with what does not; writing too, with the key."""
    with open_store(shop / "store") as store:
        client = serving(store, headers={"x-api-key": KEY}, key=KEY, writable=True, seconds=5)
        for operation in operations.values():

            @settings(max_examples=EXAMPLES, **QUICK)
            @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode)))
            def ask(case) -> None:
                sent = case.as_transport_kwargs(base_url="http://shop.test")
                body = {"data": "content"}
                given_ = {body.get(name, name): value for name, value in sent.items() if name not in ("cookies",)}
                given_["headers"] = {**dict(given_.get("headers") or {}), "x-api-key": KEY}
                try:
                    answer = client.request(given_.pop("method"), given_.pop("url"), **given_)
                except (httpx.InvalidURL, UnicodeError, TypeError, ValueError):
                    assume(False)
                assert answer.status_code < 500, (case, answer.text)
                if answer.status_code >= 400:
                    assert answer.headers["content-type"] == "application/problem+json"

            with suppress(Unsatisfiable):  # nothing can be wrong where nothing is asked
                ask()
        assert client.get("/v1/health").status_code == 200
