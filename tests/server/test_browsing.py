"""The catalog's images, their files and their facets, over HTTP."""

from __future__ import annotations

import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from serving import Client

from autoenc import index_images, open_store
from autoenc.server.thumbnails import Thumbnails, thumbnail_of
from autoenc.store import Store, point_id

SHOE = point_id("shop", "shoe/001.jpg")


def test_the_store_says_what_it_is(client: Client) -> None:
    told = client.get("/v1/store").json()
    assert told["images"] == 48
    assert [(each["name"], each["dim"], each["default"]) for each in told["encoders"]] == [
        ("learned", 32, True),
        ("color", 126, False),
        ("edges", 324, False),
    ]
    assert {"name": "price", "kind": "float", "filterable": True} in told["fields"]
    assert (told["product"], told["sources"], told["decoder"], told["writable"]) == ("product", ["shop"], True, False)


def test_facets_count_what_a_filter_leaves(client: Client, store: Store) -> None:
    told = client.get("/v1/facets", params={"where": "folder = shoe"}).json()
    fields = {field["name"]: field for field in told["fields"]}
    assert told["total"] == 12
    assert fields["folder"]["values"] == [{"value": "shoe", "count": 12}]
    assert sum(each["count"] for each in fields["season"]["values"]) == 12
    prices = [record.payload["price"] for record in store.scroll("folder = shoe")]
    assert (fields["price"]["least"], fields["price"]["most"]) == (min(prices), max(prices))
    assert fields["title"]["values"] is None
    assert not {"path", "width", "source"} & set(fields)


def test_every_image_is_on_one_page(client: Client, store: Store) -> None:
    seen, after = [], None
    while True:
        page = client.get("/v1/images", params={"limit": 7, **({"after": after} if after else {})}).json()
        seen += [image["id"] for image in page["images"]]
        if (after := page["next"]) is None:
            break
    assert seen == [record.id for record in store.scroll()]
    shoes = client.get("/v1/images", params={"where": "folder = shoe", "limit": 12}).json()
    assert (len(shoes["images"]), shoes["next"]) == (12, None)


def test_what_others_index_into_a_shared_store_is_seen(serving, monkeypatch) -> None:
    with open_store(":memory:", create=True) as store:
        client = serving(store)
        index_images([Image.new("RGB", (40, 40), "red")], store, names=["red"], encoders=["color"], progress=False)
        monkeypatch.setattr("autoenc.server.catalog._REREAD", 0.0)
        first = client.search(id="red", k=2)
        assert (first["query"]["using"], first["neighbors"]) == ("color", [])
        catalog = client.app.service.catalog
        version = catalog.version
        client.search(id="red")
        assert catalog.version == version  # nothing has changed meanwhile
        index_images([Image.new("RGB", (40, 40), "blue")], store, names=["blue"], encoders=["color"], progress=False)
        monkeypatch.setattr(store, "follow", lambda: setattr(store, "info", replace(store.info, copy_of="other")))
        assert len(client.search(id="red")["neighbors"]) == 1
        assert catalog.version == version + 1


def test_an_image_comes_with_the_other_photos_of_its_product(client: Client) -> None:
    image = client.get(f"/v1/images/{SHOE}").json()
    assert image["path"] == "shoe/001.jpg"
    assert len(image["siblings"]) == 11
    assert all(other["product"] == "shoe" and other["id"] != SHOE for other in image["siblings"])


def test_an_original_is_the_file_itself(client: Client, built: Path) -> None:
    image = client.get(f"/v1/images/{SHOE}").json()
    answer = client.get(image["original"])
    assert answer.content == (built / "photos" / "shoe" / "001.jpg").read_bytes()
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("size", [64, 128])
def test_a_thumbnail_is_as_large_as_asked(client: Client, size: int) -> None:
    answer = client.get(f"/v1/images/{SHOE}/thumbnail?size={size}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.content)).size == (size, size)


def test_a_client_that_has_a_thumbnail_is_told_so(client: Client) -> None:
    first = client.get(f"/v1/images/{SHOE}/thumbnail?size=64")
    assert first.headers["cache-control"] == "public, no-cache"
    again = client.get(f"/v1/images/{SHOE}/thumbnail?size=64", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(f"/v1/images/{SHOE}/thumbnail?size=128", headers={"if-none-match": first.headers["etag"]})
    assert other.status_code == 200


def test_thumbnails_keep_the_aspect_ratio_and_the_rotation() -> None:
    picture = Image.new("RGB", (400, 200), "white")
    picture.paste((255, 0, 0), (0, 0, 200, 200))
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter: the left half is on top
    picture.save(file, "JPEG", exif=exif, quality=95)
    made = thumbnail_of(file.getvalue(), 100)
    shown = Image.open(io.BytesIO(made.data))
    assert (made.width, made.height, shown.size) == (200, 400, (50, 100))
    assert shown.getpixel((25, 10))[1] < 60 < 200 < shown.getpixel((25, 90))[1]
    small = io.BytesIO()
    Image.new("RGB", (30, 20)).save(small, "PNG")
    assert Image.open(io.BytesIO(thumbnail_of(small.getvalue(), 100).data)).size == (30, 20)


def test_a_thumbnail_is_made_once(tmp_path: Path, built: Path) -> None:
    reads = []

    def read() -> bytes:
        reads.append(1)
        return (built / "photos" / "shoe" / "001.jpg").read_bytes()

    thumbnails = Thumbnails(tmp_path, 10**6)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: thumbnails.get("digest", 64, read), range(32)))
    assert len(reads) == 1
    assert len(set(made)) == 1
    assert Thumbnails(tmp_path, 10**6).get("digest", 64, read) == made[0]  # after a restart
    assert len(reads) == 1


def test_a_file_that_changed_or_went_is_not_served(shop: Path, serving) -> None:
    with open_store(shop / "store") as store:
        client = serving(store)
        changed, gone = (point_id("shop", f"watch/00{number}.jpg") for number in (1, 2))
        shutil.copy(shop / "photos" / "watch" / "003.jpg", shop / "photos" / "watch" / "001.jpg")
        (shop / "photos" / "watch" / "002.jpg").unlink()
        for id, why in ((changed, "has changed since it was indexed"), (gone, "is gone")):
            for what in ("original", "thumbnail"):
                answer = client.get(f"/v1/images/{id}/{what}")
                assert answer.status_code == 404
                assert why in answer.json()["detail"]


def test_no_link_leads_out_of_the_source(shop: Path, tmp_path: Path, serving) -> None:
    """A link that was indexed, to a picture outside: its point is there, its file is not given away."""
    secret = tmp_path / "secret.jpg"
    shutil.copy(shop / "photos" / "watch" / "003.jpg", secret)
    (shop / "photos" / "watch" / "link.jpg").symlink_to(secret)
    inside = shop / "photos" / "watch" / "inside.jpg"
    inside.symlink_to(shop / "photos" / "watch" / "004.jpg")
    index_images(shop / "photos", shop / "store", source="shop", progress=False)
    with open_store(shop / "store") as store:
        client = serving(store)
        id = point_id("shop", "watch/link.jpg")
        assert client.get(f"/v1/images/{id}").status_code == 200
        assert client.get(f"/v1/images/{id}/original").status_code == 404
        assert client.get(f"/v1/images/{id}/thumbnail").status_code == 404
        assert client.get(f"/v1/images/{point_id('shop', 'watch/inside.jpg')}/original").status_code == 200
        sheet = client.get(f"/v1/search?id={id}&k=1&format=png")
        assert sheet.status_code == 200  # with a blank in its place


def test_a_path_in_a_payload_that_leads_out_is_no_file(shop: Path, serving) -> None:
    with open_store(shop / "store") as store:
        client = serving(store)
        for number, path in enumerate(["../../etc/passwd", "/etc/passwd", "a\0b", "watch/../../x.jpg"]):
            id = point_id("shop", f"watch/00{number}.jpg")
            store.set_payloads([id], [{"path": path}], key="_autoenc")
            assert client.get(f"/v1/images/{id}/original").status_code == 404
            assert client.get(f"/v1/images/{id}").json()["original"] is None


def test_the_page_is_served_with_a_strict_policy(client: Client) -> None:
    answer = client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    again = client.get("/", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    for name in (
        "../app.py",
        "%2e%2e/app.py",
        "..%2fapp.py",
        ".hidden",
        "index.html/..",
        "none.js",
        "index.html%00.js",
    ):
        assert client.get(f"/page/{name}").status_code == 404, name


def test_the_report_is_shown_if_there_is_one(store: Store, serving, client: Client, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p>report</p>")
    answer = serving(store, report=tmp_path).get("/v1/report")
    assert answer.text == "<p>report</p>"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert client.get("/v1/report").status_code == 404
