"""Counts and times of requests, as Prometheus reads them.

Source: the Prometheus text exposition format, version 0.0.4.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds of the histogram of times, in seconds."""


class Metrics:
    """What a server has done since it was started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._times: dict[str, list[int]] = defaultdict(lambda: [0] * len(BUCKETS))
        self._sums: Counter[str] = Counter()
        self._bytes = 0

    def add(self, method: str, route: str, status: int, seconds: float, sent: int) -> None:
        """Count a request. `route` is a template such as `/v1/images/{id}`, so that there are few of them."""
        with self._lock:
            self._requests[method, route, status] += 1
            self._sums[route] += seconds  # type: ignore[assignment]  # a Counter of seconds
            self._bytes += sent
            times = self._times[route]
            for number, bound in enumerate(BUCKETS):
                times[number] += seconds <= bound

    def document(self) -> dict[str, Any]:
        """What was counted, as JSON holds it."""
        with self._lock:
            return {
                "requests": [[*key, count] for key, count in self._requests.items()],
                "times": {route: list(times) for route, times in self._times.items()},
                "sums": dict(self._sums),
                "bytes": self._bytes,
            }

    def merge(self, document: Mapping[str, Any]) -> None:
        """Add what was counted elsewhere.

        Example:
            >>> metrics, other = Metrics(), Metrics()
            >>> other.add("GET", "/v1/store", 200, 0.02, 100)
            >>> metrics.merge(other.document())
            >>> metrics.document() == other.document()
            True
        """
        with self._lock:
            for method, route, status, count in document["requests"]:
                self._requests[method, route, status] += count
            for route, times in document["times"].items():
                self._times[route] = [mine + more for mine, more in zip(self._times[route], times, strict=True)]
            for route, seconds in document["sums"].items():
                self._sums[route] += seconds
            self._bytes += document["bytes"]

    def text(self, gauges: Mapping[str, float]) -> str:
        """All figures; `gauges` are more, by name.

        Example:
            >>> metrics = Metrics()
            >>> metrics.add("GET", "/v1/store", 200, 0.02, 100)
            >>> print(metrics.text({"images": 48}).splitlines()[2])
            autoenc_requests_total{method="GET",route="/v1/store",status="200"} 1
        """
        with self._lock:
            lines = ["# HELP autoenc_requests_total Requests answered.", "# TYPE autoenc_requests_total counter"]
            for (method, route, status), count in sorted(self._requests.items()):
                labels = f'method="{_quoted(method)}",route="{_quoted(route)}",status="{status}"'
                lines.append(f"autoenc_requests_total{{{labels}}} {count}")
            lines += [
                "# HELP autoenc_request_seconds Time from the first byte of a request to the last of its answer.",
                "# TYPE autoenc_request_seconds histogram",
            ]
            totals: Counter[str] = Counter()
            for (_, route, _), count in self._requests.items():
                totals[route] += count
            for route, times in sorted(self._times.items()):
                label = f'route="{_quoted(route)}"'
                for bound, count in zip(BUCKETS, times, strict=True):
                    lines.append(f'autoenc_request_seconds_bucket{{{label},le="{bound:g}"}} {count}')
                lines.append(f'autoenc_request_seconds_bucket{{{label},le="+Inf"}} {totals[route]}')
                lines.append(f"autoenc_request_seconds_sum{{{label}}} {self._sums[route]:.6f}")
                lines.append(f"autoenc_request_seconds_count{{{label}}} {totals[route]}")
            lines += ["# TYPE autoenc_sent_bytes_total counter", f"autoenc_sent_bytes_total {self._bytes}"]
        for name, value in gauges.items():
            lines += [f"# TYPE autoenc_{name} gauge", f"autoenc_{name} {value:g}"]
        return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
