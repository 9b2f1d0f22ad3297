"""Who may read and who may write; and what no request may take from the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from serving import KEY, Client

from autoenc.errors import ArgumentError
from autoenc.server.access import Rate
from autoenc.server.app import App
from autoenc.server.gate import WRITING
from autoenc.server.problems import RequestError
from autoenc.server.settings import Settings
from autoenc.store import Store

WITH_KEY = {"x-api-key": KEY}


@pytest.fixture(scope="module")
def private(store: Store, serving) -> Client:
    return serving(store, key=KEY, private=True)


def test_a_server_that_needs_a_key_does_not_start_without(tmp_path) -> None:
    for needs in ("writable", "private"):
        with pytest.raises(ArgumentError, match="AUTOENC_API_KEY"):
            Settings(cache=tmp_path, **{needs: True})
    with pytest.raises(ArgumentError, match="16 characters or more"):
        Settings(cache=tmp_path, key="short", private=True)


def test_a_private_catalog_is_read_with_the_key_alone(private: Client) -> None:
    for path in ("/v1/store", "/v1/images", "/metrics", "/v1/openapi.json", "/v1/nothing", "/v1/search?words=red"):
        answer = private.get(path)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("ApiKey")
        assert answer.json()["type"] == "urn:autoenc:problem:unauthorized"
        assert private.get(path, headers={"x-api-key": f"{KEY}x"}).status_code == 401
    assert private.get("/v1/store", headers=WITH_KEY).status_code == 200
    for path in ("/", "/v1/health", "/v1/ready"):
        assert private.get(path).status_code == 200


def test_a_session_reads_but_does_not_write(store: Store, serving) -> None:
    client = serving(store, key=KEY, private=True, writable=True)
    assert client.post("/v1/session", json={"key": "wrong"}).status_code == 401
    answer = client.post("/v1/session", json={"key": KEY})
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert KEY not in cookie
    assert client.get("/v1/store").status_code == 200
    assert "private" in client.get("/v1/search?words=red").headers.get("cache-control", "private")
    assert client.post("/v1/tag", json={"where": "folder = shoe", "set": {"a": 1}}).status_code == 401
    client.request("DELETE", "/v1/session")
    assert client.get("/v1/store").status_code == 401


def test_signing_out_ends_the_session_and_not_another(store: Store, serving, tmp_path: Path) -> None:
    """The cookie may have been copied before: it opens nothing any more, in no process that shares the cache."""
    one, other = (serving(store, key=KEY, private=True, cache=tmp_path) for _ in range(2))
    cookies = [{"cookie": f"autoenc_session={one.app.service.access.session()}"} for _ in range(2)]
    answer = one.request("DELETE", "/v1/session", headers=cookies[0])
    assert answer.status_code == 204
    assert 'autoenc_session=""' in answer.headers["set-cookie"]
    assert answer.headers["clear-site-data"] == '"cache"'
    for client in (one, other, serving(store, key=KEY, private=True, cache=tmp_path)):
        assert client.get("/v1/store", headers=cookies[0]).status_code == 401
        assert client.get("/v1/store", headers=cookies[1]).status_code == 200


def test_signing_out_without_a_session_keeps_nothing(store: Store, serving, tmp_path: Path) -> None:
    client = serving(store, key=KEY, private=True, cache=tmp_path)
    for cookie in ("", "9999999999.x.y", "../../x"):
        headers = {"cookie": f"autoenc_session={cookie}"}
        assert client.request("DELETE", "/v1/session", headers=headers).status_code == 204
    assert list((tmp_path / "ended").iterdir()) == []


def test_a_full_disk_does_not_pretend_that_a_session_has_ended(store: Store, serving, monkeypatch) -> None:
    client = serving(store, key=KEY, private=True)
    cookie = {"cookie": f"autoenc_session={client.app.service.access.session()}"}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("autoenc.server.blobs.replace_file", full)
        assert client.request("DELETE", "/v1/session", headers=cookie).status_code == 507
    assert client.get("/v1/store", headers=cookie).status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", "9999999999.x.y", "9999999999..", "é", "a" * 4000, '"'])
def test_a_cookie_that_was_not_signed_opens_nothing(private: Client, cookie: str) -> None:
    header = f"autoenc_session={cookie}".encode()
    assert private.get("/v1/store", headers={"cookie": header}).status_code == 401


def test_a_session_ends(private: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = {"cookie": f"autoenc_session={private.app.service.access.session()}"}
    assert private.get("/v1/store", headers=cookie).status_code == 200
    monkeypatch.setattr("time.time", lambda: 1e11)
    assert private.get("/v1/store", headers=cookie).status_code == 401


def test_nothing_is_written_without_the_key(store: Store, client: Client, serving) -> None:
    """Every route that could change the store is known to the gate: those that post, but for those that only read."""
    reading = {"/v1/search", "/v1/pictures", "/v1/neighbors", "/v1/session"}
    document = client.get("/v1/openapi.json").json()
    posting = {path for path, methods in document["paths"].items() if set(methods) - {"get"}}
    assert posting - reading == WRITING
    writable = serving(store, key=KEY, writable=True)
    for path in WRITING:
        assert client.post(path, json={}, headers=WITH_KEY).status_code == 403  # not --writable
        assert writable.post(path, json={}).status_code == 401
        assert writable.post(path, json={}, headers={"x-api-key": KEY[:-1]}).status_code == 401
        assert client.request("HEAD", path).status_code == 405


def test_a_burst_is_let_through_and_more_is_told_to_wait() -> None:
    rate = Rate(10)
    for _ in range(40):
        rate.check("one", now=0.0)
    with pytest.raises(RequestError) as told:
        rate.check("one", now=0.0)
    assert (told.value.status, told.value.headers) == (429, {"Retry-After": "1"})
    rate.check("another", now=0.0)
    rate.check("one", now=0.11)
    with pytest.raises(RequestError):
        rate.check("one", now=0.11)


def test_too_many_requests_are_a_problem_document(store: Store, serving) -> None:
    client = serving(store, rate=1)
    answers = [client.get("/v1/health") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
    assert answers[-1].headers["content-type"] == "application/problem+json"


def test_metrics_count_by_route_and_name_nobody(client: Client, store: Store) -> None:
    record = next(iter(store))
    client.get(f"/v1/images/{record.id}?secret=1")
    text = client.get("/metrics").text
    assert 'autoenc_requests_total{method="GET",route="/v1/images/{id}",status="200"}' in text
    assert "autoenc_images 48" in text
    assert record.id not in text
    assert "secret" not in text


def test_the_description_of_the_api_has_examples(client: Client) -> None:
    document = client.get("/v1/openapi.json").json()
    assert document["components"]["schemas"]["SearchBody"]["examples"]
    assert document["paths"]["/v1/tag"]["post"]["security"] == [{"key": []}]
    assert "/" not in document["paths"]


def test_the_app_is_named_for_those_who_embed_it(store: Store, tmp_path) -> None:
    app = App(store, Settings(cache=tmp_path))
    assert app.api.title == "autoenc"
    app.service.close()
