"""Connecting to a server: where the URL leads, whom it trusts, which collections there are, how old it may be."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest
from qdrant_stand_in import GO_ON, Answer, Qdrant, refused, serving

from autoenc.errors import ArgumentError, StoreError, StoreMismatchError, StoreNotFoundError, StoreUnreachableError
from autoenc.store import list_collections, open_store
from autoenc.store.connection import _connect

CERTIFICATE = Path(__file__).with_name("certificate.pem")
EACH = pytest.mark.parametrize("attempt", [open_store, list_collections])
OURS = {"autoenc": {"version": 2}, "autoenc.sources.s": "/photos"}


# ---- where ----------------------------------------------------------------------------------------


@EACH
def test_no_server_there(key, attempt):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(StoreUnreachableError, match=f"No Qdrant server answers at {url}") as caught:
            attempt(url)
    assert key not in str(caught.value)


def test_a_server_that_never_answers(key, monkeypatch):
    monkeypatch.setattr("autoenc.store.connection.TIMEOUT_SECONDS", 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(StoreUnreachableError, match=r"gave no answer in time \(ReadTimeout\)\. It may be busy"):
            open_store(f"http://127.0.0.1:{silent.getsockname()[1]}")


def test_a_server_of_something_else(key):
    page = Answer("<html>Hello</html>", headers={"Content-Type": "text/html"})
    with serving(lambda _: page) as url, pytest.raises(StoreError, match="No Qdrant server"):
        open_store(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://:6333",
        "http://k3y@host:6333",
        "https://host:6333?api_key=k3y",
        "http://[bad",
        "http://host:k3y",
        "http://host:99999",
    ],
)
def test_a_url_without_host_or_with_a_key_in_it(url):
    with pytest.raises(ArgumentError, match="its key goes into QDRANT_API_KEY") as caught:
        open_store(url)
    assert "k3y" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://host", "http://host:6333"),
        ("https://host", "https://host:443"),
        ("https://host:6333", "https://host:6333"),
        ("HTTPS://host/shop", "https://host:443/shop"),
    ],
)
def test_a_url_without_a_port_means_that_of_its_scheme(monkeypatch, url, asked):
    monkeypatch.delenv("QDRANT_API_KEY", raising=False)
    client = _connect(url)
    assert client.http.client.host == asked
    client.close()


# ---- whom it trusts -------------------------------------------------------------------------------


@pytest.fixture
def secure(key, pauses):
    """A server with a certificate that nobody else has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with serving(Qdrant(), context) as url:
        yield url


def test_a_certificate_that_nobody_vouches_for(secure, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    message = r"certificate of the server at https://127.* is not trusted \(self.signed .*Set SSL_CERT_FILE to"
    with pytest.raises(StoreUnreachableError, match=message):
        list_collections(secure)


def test_a_certificate_of_an_authority_that_is_named(secure, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    assert list_collections(secure) == []
    with pytest.raises(StoreUnreachableError, match=r"not valid for 'localhost'.*correct the host in the URL"):
        list_collections(secure.replace("127.0.0.1", "localhost"))


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), ("no certificate", "")])
def test_an_authority_that_cannot_be_read(key, monkeypatch, tmp_path, content, reason):
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(ArgumentError, match=rf"from SSL_CERT_FILE={file} \({reason}.*file in PEM format"):
        list_collections("https://host")


def test_https_to_a_server_that_speaks_http(qdrant):
    with pytest.raises(StoreUnreachableError, match=r"does not speak TLS, which https needs .*http://"):
        list_collections(qdrant.url.replace("http:", "https:"))


def test_the_key_of_the_environment_is_sent(qdrant, key):
    with open_store(qdrant.url, create=True) as store:
        store.add_source("s", "/photos")
    assert {request.key for request in qdrant.seen} == {key}


def test_a_key_with_a_line_end_behind_it(qdrant, key, monkeypatch):
    monkeypatch.setenv("QDRANT_API_KEY", f"{key}\n")
    list_collections(qdrant.url)
    assert {request.key for request in qdrant.seen} == {key}


@pytest.mark.parametrize("wrong", ["clé-secret", "secret\nsecret"])
def test_a_key_that_cannot_be_one(key, monkeypatch, wrong):
    monkeypatch.setenv("QDRANT_API_KEY", wrong)
    with pytest.raises(ArgumentError, match="QDRANT_API_KEY holds characters that no key has") as caught:
        list_collections("http://127.0.0.1:1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused(qdrant, key, status):
    qdrant.fail = lambda _: Answer("Must provide an API key", status)  # as text: it comes before any JSON
    message = rf"127\.0\.0\.1:\d+ refuses the key \(HTTP {status}\)\. Set QDRANT_API_KEY"
    with pytest.raises(StoreUnreachableError, match=message) as caught:
        open_store(qdrant.url)
    assert key not in str(caught.value)


def test_a_key_that_may_not_do_this(qdrant):
    qdrant.fail = lambda request: refused(403, "Global access is required") if request.line[:3] == "PUT" else GO_ON
    with pytest.raises(StoreUnreachableError, match=r"the key \(HTTP 403: Global access is required\)\. Set QDRANT_"):
        open_store(qdrant.url, create=True)


# ---- which collections there are ------------------------------------------------------------------


def holding(qdrant: Qdrant, **collections) -> str:
    for name, metadata in collections.items():
        qdrant.memory.create_collection(name, vectors_config={}, metadata=metadata)
    return qdrant.url


def test_a_collection_that_is_not_there_is_told_with_those_that_autoenc_made(qdrant):
    url = holding(qdrant, theirs=None, shoes=OURS)
    assert list_collections(url) == ["shoes"]
    with pytest.raises(StoreNotFoundError, match="no collection 'images'; the collections there are: 'shoes'"):
        open_store(url)


@pytest.mark.parametrize("status", [403, 404])
def test_collections_that_the_key_may_not_read_or_that_went_meanwhile_are_passed_over(qdrant, status):
    url = holding(qdrant, secret=OURS, shoes=OURS)
    qdrant.fail = lambda request: refused(status, "no") if request.line == "GET /collections/secret" else GO_ON
    assert list_collections(url) == ["shoes"]


@pytest.mark.parametrize("metadata", [None, {"team": "search"}, {"autoenc": {"version": 3}}])
def test_a_collection_that_another_program_made(qdrant, metadata):
    message = r"'images' of .* is not a store .*expected a record of format 2"
    with pytest.raises(StoreMismatchError, match=message):
        open_store(holding(qdrant, images=metadata), create=True)


def test_a_collection_that_another_process_makes_at_the_same_moment(qdrant):
    def meanwhile(request):
        if request.line == "PUT /collections/images%401":
            qdrant.memory.create_collection("images@1", vectors_config={}, metadata=OURS)
        return GO_ON

    qdrant.fail = meanwhile
    with open_store(qdrant.url, create=True) as store:
        assert store.info.sources == {"s": "/photos"}


def test_memory_is_new_each_time():
    with open_store(":memory:") as one:
        one.add_source("s", "/photos")
        with open_store(":memory:") as other:
            assert other.info.sources == {}
    assert list_collections(":memory:") == []


# ---- how old it may be ----------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.15.4", "1.18.0", "1.18", "unknown"])
def test_a_server_too_old_is_left_alone(qdrant, version):
    qdrant.version = version
    with pytest.raises(StoreMismatchError, match=rf"is version {version}; autoenc needs 1\.18\.1 or later"):
        open_store(qdrant.url, create=True)
    assert all(line.startswith("GET") for line in qdrant.lines())


@pytest.mark.parametrize("version", ["1.18.1", "1.19.0-dev", "1.100.0", "2.0.0"])
def test_a_server_new_enough(qdrant, version):
    qdrant.version = version
    open_store(qdrant.url, create=True).close()
    assert list_collections(qdrant.url) == ["images"]


def test_several_threads_may_list_at_once(qdrant):
    url = holding(qdrant, shoes=OURS)
    found = []
    threads = [threading.Thread(target=lambda: found.append(list_collections(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["shoes"]] * 4
