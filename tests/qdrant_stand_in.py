"""A Qdrant server of a few lines of HTTP: it keeps collections in the client's in-memory mode, and fails on request."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from qdrant_client import QdrantClient, models

MAX_REQUEST_BYTES = 32 * 2**20


@dataclass
class Answer:
    """What comes back: by default JSON with status 200; nothing at all, with the connection closed, for None."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What came: method and path as one text, the query behind it, the key, the body."""

    line: str
    query: str
    key: str
    body: bytes


Respond = Callable[[Request], Answer | None]


@contextmanager
def serving(respond: Respond, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The URL of a server on a free port whose every answer `respond` gives."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            answer = respond(Request(f"{self.command} {path}", query, self.headers.get("api-key", ""), body))
            if answer is None:
                return
            data = answer.body.encode() if isinstance(answer.body, str) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = respond  # noqa: N815

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        if tls is not None:
            http.socket = tls.wrap_socket(http.socket, server_side=True)
        http.handle_error = lambda *_: None  # of connections that the client breaks off
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def refused(status: int, sentence: str) -> Answer:
    """A refusal as Qdrant words it."""
    return Answer({"status": {"error": sentence}, "time": 0.0}, status)


GO_ON: Any = object()
"""No failure."""

DONE = Answer({"result": {"operation_id": 0, "status": "completed"}, "status": "ok", "time": 0.0})
"""What a server answers to a write."""


class Qdrant:
    """What autoenc uses of a server, on top of the client's in-memory mode.

    Attributes:
        url: where it is on the air, once it is.
        seen: every request that came.
        fail: asked before each answer; what it returns is the answer, unless it is `GO_ON`.
        status: of every collection, or what gives it.
        version: of the server.
        memory: where the collections are.
    """

    url: str

    def __init__(self, version: str = "1.20.0") -> None:
        self.seen: list[Request] = []
        self.fail: Callable[[Request], Any] = lambda _: GO_ON
        self.status: str | Callable[[], str] = "green"
        self.version = version
        self.memory = QdrantClient(":memory:")
        self._fields: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def lines(self) -> list[str]:
        return [request.line for request in self.seen]

    def __call__(self, request: Request) -> Answer | None:
        with self._lock:
            self.seen.append(request)
            failure = self.fail(request)
            if failure is not GO_ON:
                return failure
            if len(request.body) > MAX_REQUEST_BYTES:
                size = f"({len(request.body)} bytes) is larger than allowed (limit: {MAX_REQUEST_BYTES} bytes)"
                return refused(400, f"Payload error: JSON payload {size}.")
            method, path = request.line.split(" ")
            body = json.loads(request.body) if request.body else {}
            try:
                result = self._answer(method, [unquote(part) for part in path[1:].split("/")], body)
            except KeyError as error:
                return refused(404, f"Not found: {error}")
            except ValueError as error:
                return refused(409 if "already exists" in str(error) else 400, str(error))
            return result if isinstance(result, Answer) else Answer({"result": result, "status": "ok", "time": 0.0})

    def _answer(self, method: str, path: list[str], body: dict[str, Any]) -> object:
        if path == [""]:
            return Answer({"title": "qdrant - vector search engine", "version": self.version})
        if path == ["collections"]:
            return _json(self.memory.get_collections())
        if path == ["aliases"]:
            return _json(self.memory.get_aliases())
        if [method, *path] == ["POST", "collections", "aliases"]:
            return self.memory.update_collection_aliases(
                [models.CreateAliasOperation(**action) for action in body["actions"]]
            )
        _, name, *rest = path
        match [method, *rest]:
            case ["GET", "exists"]:
                return {"exists": self.memory.collection_exists(name)}
            case ["GET"]:
                return self._info(name)
            case ["PUT"]:
                return self.memory.create_collection(name, vectors_config={}, metadata=body["metadata"])
            case ["PATCH"]:
                if body.get("metadata") is not None:
                    self.memory.update_collection(name, metadata=body["metadata"])
                return True
            case ["DELETE"]:
                return self.memory.delete_collection(name)
            case ["PUT", "vectors", vector]:
                return _json(self.memory.create_vector_name(name, vector, models.DenseVectorNameConfig(**body)))
            case ["DELETE", "vectors", vector]:
                return _json(self.memory.delete_vector_name(name, vector))
            case ["PUT", "index"]:
                schema = body["field_schema"]  # a kind's name, or its parameters
                kind = schema if isinstance(schema, str) else schema["type"]
                self._fields.setdefault(name, {})[body["field_name"]] = {"data_type": kind, "points": 0}
            case ["DELETE", "index", field_name]:
                self._fields[name].pop(field_name)
            case ["PUT", "points"]:
                batch = models.Batch(**body["batch"])
                self.memory.upsert(name, batch)
            case ["PUT", "points", "vectors"]:
                self.memory.update_vectors(name, [models.PointVectors(**point) for point in body["points"]])
            case ["POST", "points", "batch"]:
                operations = [models.SetPayloadOperation(**operation) for operation in body["operations"]]
                self.memory.batch_update_points(name, operations)
                return [DONE.body["result"]] * len(operations)
            case ["POST", "points", "delete"]:
                self.memory.delete(name, models.PointIdsList(**body))
            case ["POST", "points", "payload", "delete"]:
                self.memory.delete_payload(name, body["keys"], points=body["points"])
            case ["POST", "points", "query", "batch"]:
                searches = [models.QueryRequest(**{**search, "params": None}) for search in body["searches"]]
                return [_json(found) for found in self.memory.query_batch_points(name, searches)]
            case ["POST", "points"]:
                found = self.memory.retrieve(name, body["ids"], with_payload=True, with_vectors=body["with_vector"])
                return [_json(record) for record in found]
            case ["POST", "points", "count"]:
                return _json(self.memory.count(name, _filter(body)))
            case ["POST", "points", "scroll"]:
                records, offset = self.memory.scroll(
                    name,
                    _filter(body),
                    limit=body["limit"],
                    offset=body.get("offset"),
                    order_by=models.OrderBy(**body["order_by"]) if body.get("order_by") else None,
                    with_payload=body["with_payload"],
                    with_vectors=body["with_vector"],
                )
                return {"points": [_json(record) for record in records], "next_page_offset": offset}
            case ["POST", "facet"]:
                return _json(self.memory.facet(name, body["key"], _filter(body), body["limit"], exact=True))
            case _:
                raise KeyError(f"{method} {'/'.join(path)}")
        return DONE

    def _info(self, name: str) -> object:
        if not self.memory.collection_exists(name):
            raise KeyError(name)
        status = self.status if isinstance(self.status, str) else self.status()
        optimizers: object = {"error": "no space left on device"} if status == "red" else "ok"
        info = _json(self.memory.get_collection(name))
        return {**info, "status": status, "optimizer_status": optimizers, "payload_schema": self._fields.get(name, {})}


def _json(model: Any) -> Any:
    return model.model_dump(mode="json")


def _filter(body: dict[str, Any]) -> models.Filter | None:
    return models.Filter(**body["filter"]) if body.get("filter") else None
