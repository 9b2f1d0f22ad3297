"""The example page of docs/export.md in a real browser: an exported encoder gives there what it gives in Python.

AUTOENC_SCREENSHOTS names a folder in which to keep pictures of it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsers import chromium, fetch
from PIL import Image

from autoenc import Bundle, embed_images, export_model, load_bundle

DOCS = Path(__file__).resolve().parents[2] / "docs"
KEPT = os.environ.get("AUTOENC_SCREENSHOTS")
LOADED = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
"""What the page loads of onnxruntime-web, as docs/export.md says."""

AWKWARD = "shoe/100% new #1?.jpg"


class Quiet(SimpleHTTPRequestHandler):
    """What `python -m http.server` serves with, without its log."""

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def site(browser: Any, drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that docs/export.md has its reader make."""
    folder = tmp_path_factory.mktemp("site")
    (package,) = re.findall(r"npm install (onnxruntime-web@\S+)", (DOCS / "export.md").read_text("utf-8"))
    fetch(package, [f"dist/{name}" for name in LOADED], folder)
    for file in (DOCS / "browser").iterdir():
        shutil.copy(file, folder)
    shutil.copytree(drawn, folder / "photos")
    (folder / "photos" / "shoe" / "001.jpg").rename(folder / "photos" / AWKWARD)
    export_model("clothing-32-2", folder / "encoder.onnx", format="onnx", progress=False)
    embed_images(folder / "photos", folder / "vectors.jsonl", model="clothing-32-2", progress=False)
    return folder


@pytest.fixture(scope="module")
def url(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class Visit:
    """A page of the site, open in the browser.

    Attributes:
        page: the page.
        faults: what has gone wrong in it, and what it has asked another host for.
    """

    def __init__(self, browser: Any, url: str, answers: dict[str, dict[str, Any]]) -> None:
        self.faults: list[str] = []
        self._url = url
        self.page = browser.new_page(viewport={"width": 1024, "height": 900})
        self.page.set_default_timeout(20_000)
        self.page.on("request", self._note)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda line: self.faults.append(line.text) if "Security" in line.text else None)
        for file, answer in answers.items():
            self.page.route(f"**/{file}", lambda route, _, answer=answer: route.fulfill(**answer))
        self.page.goto(url)

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self._url, "blob:", "data:")):
            self.faults.append(request.url)

    def choose(self, path: Path, which: str = "first") -> None:
        """Choose a picture, and wait until the page shows it with all that it says of it."""
        shown = "id => document.getElementById(`${id}-image`).src"
        before = self.page.evaluate(shown, which)
        self.page.set_input_files(f"#{which}", path)
        self.page.wait_for_function(f"([id, before]) => ({shown})(id) !== before", arg=[which, before])

    def numbers(self) -> list[float]:
        return [float(text) for text in self.page.locator("#numbers li").all_inner_texts()]

    def said(self) -> str:
        return str(self.page.locator("#said").inner_text())

    def encode(self, name: str) -> list[float]:
        """The vector that encoder.js, used by itself, gives for a picture of the site."""
        script = """async (address) => {
            const { encode } = await import("./encoder.js");
            return encode(await (await fetch(address)).blob());
        }"""
        found: list[float] = self.page.evaluate(script, name)
        return found


@contextmanager
def visited(browser: Any, url: str, **answers: dict[str, Any]) -> Iterator[Visit]:
    """Opens the page; at the end, there may be no faults.

    Args:
        browser: what to open it in.
        url: of the site.
        answers: what comes for a file of the site in its place; its name has "_" for ".".
    """
    visit = Visit(browser, url, {name.replace("_", "."): answer for name, answer in answers.items()})
    try:
        yield visit
    finally:
        visit.page.close()
        assert visit.faults == []


@pytest.fixture(scope="module")
def visit(browser: Any, url: str) -> Iterator[Visit]:
    """One page for several tests, as loading it takes a second."""
    with visited(browser, url) as opened:
        yield opened


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle("clothing-32-2")


def alike(a: Any, b: Any) -> float:
    return float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


def test_a_picture_has_the_numbers_that_python_gives_it(visit: Visit, site: Path, bundle: Bundle) -> None:
    with Image.open(site / "photos" / "watch" / "003.jpg") as image:
        image.save(site / "watch.png")  # which every program decodes to the same pixels
    first, second = site / "watch.png", site / "photos" / "bicycle" / "002.jpg"
    visit.choose(first)
    assert visit.numbers() == pytest.approx(bundle.encode(first)[0], abs=0.01)
    visit.choose(second, "second")
    told = float(visit.said().rpartition(" ")[2])
    assert told == pytest.approx(alike(*bundle.encode([first, second])), abs=0.005)


def test_what_looks_like_it_is_found_in_the_catalog(visit: Visit, site: Path, bundle: Bundle) -> None:
    visit.choose(site / "photos" / AWKWARD)
    items = visit.page.locator("#nearest li").all()
    shown = {item.locator("img").get_attribute("alt"): float(item.inner_text()) for item in items}
    query = bundle.encode(site / "photos" / AWKWARD)[0]
    rows = [json.loads(line) for line in (site / "vectors.jsonl").read_text("utf-8").splitlines()]
    cosines = {row["path"]: alike(query, row["learned"]) for row in rows}
    assert next(iter(shown)) == AWKWARD
    assert list(shown.values()) == sorted(shown.values(), reverse=True)
    assert shown == pytest.approx({path: cosines[path] for path in shown}, abs=0.02)
    assert list(shown.values()) == pytest.approx(sorted(cosines.values(), reverse=True)[:12], abs=0.02)
    loaded = "[...document.querySelectorAll('#nearest img')].every(image => image.naturalWidth > 0)"
    visit.page.wait_for_function(loaded)
    if KEPT:
        visit.page.screenshot(path=Path(KEPT) / "example-in-browser.png", full_page=True)


def test_what_is_no_picture_is_said_and_no_catalog_is_needed(browser: Any, url: str, site: Path) -> None:
    with visited(browser, url, vectors_jsonl={"status": 404}) as opened:
        opened.page.set_input_files("#first", site / "page.css")
        opened.page.get_by_text("page.css: ").wait_for()
        assert opened.page.locator("img:visible, #found:visible").count() == 0
        opened.choose(site / "photos" / "watch" / "003.jpg")
        assert len(opened.numbers()) == 32
        assert opened.said() == ""
        assert opened.page.locator("#catalog").is_hidden()


def test_a_picture_that_cannot_be_read_takes_the_place_of_the_one_before(visit: Visit, site: Path) -> None:
    good, other = site / "photos" / "watch" / "003.jpg", site / "photos" / "t-shirt" / "001.jpg"
    visit.choose(good)
    visit.page.set_input_files("#first", site / "page.css")
    visit.page.get_by_text("page.css: ").wait_for()
    assert visit.page.locator("#first-image:visible, #found:visible").count() == 0
    visit.choose(other, "second")
    assert visit.said().startswith("page.css: "), "and no cosine with a picture that is not shown"
    visit.choose(good)
    assert visit.said().startswith("Cosine of the two: ")
    assert visit.page.locator("#found:visible").count() == 1
    visit.page.set_input_files("#second", [])
    visit.page.locator("#second-image").wait_for(state="hidden")
    assert visit.said() == ""


def test_what_becomes_of_a_picture_that_is_chosen_no_longer_is_not_said(browser: Any, url: str, site: Path) -> None:
    with visited(browser, url) as opened:
        opened.page.evaluate("""() => {
            const decode = createImageBitmap;
            window.createImageBitmap = async (picture, options) => {
                if (picture.name === "page.css") await new Promise((done) => (window.go_on = done));
                return decode(picture, options);
            };
        }""")
        opened.page.set_input_files("#first", site / "page.css")
        opened.page.wait_for_function("() => window.go_on !== undefined")
        opened.choose(site / "photos" / "watch" / "003.jpg")
        opened.page.evaluate("() => new Promise((done) => { window.go_on(); setTimeout(done, 200); })")
        assert "page.css" not in opened.said()
        assert opened.page.locator("#found:visible").count() == 1


@pytest.mark.parametrize(
    ("line", "fault"),
    [("[", "vectors.jsonl: "), ('{"path": "a.jpg", "learned": [1, 2]}', "vectors.jsonl: Vectors of 32 and 2 numbers")],
)
def test_faults_of_the_catalog_are_no_faults_of_the_picture(
    browser: Any, url: str, site: Path, line: str, fault: str
) -> None:
    with visited(browser, url, vectors_jsonl={"body": line}) as opened:
        opened.page.set_input_files("#first", site / "photos" / "watch" / "003.jpg")
        opened.page.get_by_text(fault).wait_for()
        assert "003.jpg" not in opened.said()
        assert opened.page.locator("#found:visible").count() == 0


def test_an_encoder_that_is_not_there_is_said(browser: Any, url: str, site: Path) -> None:
    with visited(browser, url, encoder_onnx={"status": 404}) as opened:
        opened.page.get_by_text("encoder.onnx").wait_for()
        opened.page.set_input_files("#first", site / "photos" / "watch" / "003.jpg")
        opened.page.wait_for_timeout(200)
        assert "003.jpg" not in opened.said()


@pytest.mark.parametrize("kind", ["fine", "transparent", "turned", "large", "tiny"])
def test_pictures_are_squeezed_as_autoenc_does_it(kind: str, visit: Visit, site: Path, bundle: Bundle) -> None:
    with Image.open(site / "photos" / "bicycle" / "002.jpg") as image:
        drawing = image.convert("RGB")
    path, options = site / f"{kind}.png", {}
    if kind == "fine":  # who skips pixels sees others
        drawing = Image.fromarray(np.asarray(drawing) * (np.indices(drawing.size).sum(axis=0) % 2 == 0)[..., None])
    elif kind == "transparent":
        drawing.putalpha(Image.linear_gradient("L").resize(drawing.size))
    elif kind == "turned":
        path = path.with_suffix(".jpg")
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = 6
    else:
        drawing = drawing.resize({"large": (1600, 700), "tiny": (24, 20)}[kind])
    drawing.save(path, **options)
    assert alike(visit.encode(path.name), bundle.encode(path)[0]) > 0.995


def test_real_photos_have_nearly_the_same_vectors(visit: Visit, site: Path, photos: list[Path], bundle: Bundle) -> None:
    cosines = []
    for photo in photos[::31]:
        shutil.copy(photo, site)
        cosines.append(alike(visit.encode(photo.name), bundle.encode(photo)[0]))
    assert len(cosines) == 12
    assert min(cosines) > 0.99
    assert np.median(cosines) > 0.9995
