import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from gridsearch.visualization.overlays import overlay
from gridsearch.visualization.page import Stamp
from gridsearch.visualization.pictures import Picture, Sheet, data_url, in_square, sheet_page, sheet_png
from tests.analysis.grids import START
from tests.visualization.test_page import HOSTILE, Outline

RED = np.tile(np.array([200, 10, 10], np.uint8), (6, 8, 1))


def decoded(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/png;base64,"))))


@pytest.mark.parametrize(
    ("image", "pixel"),
    [
        (np.full((6, 8), 77, np.uint8), 77),
        (np.full((6, 8, 1), 77, np.uint8), 77),
        (RED, (200, 10, 10)),
        (np.dstack([RED, np.full((6, 8), 0, np.uint8)]), (255, 255, 255)),  # wholly transparent
        (np.dstack([RED[..., 0], np.full((6, 8), 255, np.uint8)]), (200, 200, 200)),
    ],
)
def test_images_of_any_number_of_channels_are_kept_pixel_by_pixel(image: np.ndarray, pixel: object) -> None:
    found = decoded(data_url(image))
    assert found.size == (8, 6) and found.getpixel((3, 3)) == pixel


def test_a_large_image_is_reduced() -> None:
    assert decoded(data_url(np.zeros((700, 350), np.uint8))).size == (128, 256)


def test_a_page_holds_its_images_and_loads_nothing() -> None:
    pictures = [Picture(RED, f"name {place} {HOSTILE}") for place in range(5)]
    text = sheet_page(
        Sheet(f"title {HOSTILE}", "a note", in_square(pictures), ("one", "two", "three")), Stamp(START, "")
    )
    shown = Outline(text)
    images = [attributes for tag, attributes in shown.elements if tag == "img"]
    assert len(images) == 5 and all((image["src"] or "").startswith("data:image/png;base64,") for image in images)
    assert (images[0]["width"], images[0]["height"]) == ("112", "84")
    assert f"name 4 {HOSTILE}" in shown.text and f"title {HOSTILE}" in shown.text and shown.scripts == []
    policy = next(a["content"] for tag, a in shown.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and "img-src data:" in policy and not re.search(r"https?://", text)


def test_pictures_stand_in_a_square() -> None:
    for count, rows in ((1, [1]), (4, [2, 2]), (5, [3, 2]), (25, [5] * 5), (0, [])):
        assert [len(row) for row in in_square([Picture(RED)] * count)] == rows


def test_a_png_has_headings_pictures_and_captions() -> None:
    bare = Image.open(io.BytesIO(sheet_png(Sheet("", "", in_square([Picture(RED)] * 4)))))
    assert bare.size == (12 + 2 * 124, 12 + 2 * 96)
    assert bare.getpixel((60, 60)) == (200, 10, 10) and bare.getpixel((2, 2)) == (255, 255, 255)
    named = [Picture(RED, "a caption much too long for the width of a picture")] * 4
    full = Image.open(io.BytesIO(sheet_png(Sheet("", "", in_square(named), ("left", "right")))))
    assert full.size == (bare.width, bare.height + 3 * 18)
    caption = np.asarray(full.crop((12, 12 + 18 + 84, 124, 12 + 18 + 84 + 18)))
    assert caption.min() < 100
    gap = np.asarray(full.crop((125, 12 + 18 + 84, 135, 12 + 18 + 84 + 18)))
    assert gap.min() == 255  # the caption was cut


def test_an_overlay_shows_the_image_where_nothing_is_active_and_colour_where_much_is() -> None:
    image = np.full((8, 8, 3), 100, np.uint8)
    active = np.zeros((4, 4), np.float32)
    active[:, 3] = 1
    found = overlay(image, active)
    assert found.shape == (128, 128, 3) and found.dtype == np.uint8
    assert found[64, 2].tolist() == [100, 100, 100]
    red, green, blue = found[64, -2].astype(int)
    assert red > 150 and green > 150 and blue < red  # the yellow end of the scale
    assert overlay(image[..., 0], active).tolist() == found.tolist()
