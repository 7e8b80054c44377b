"""What lies in image files and is more than pixels: transparency, orientation, frames, sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gridsearch.config.image_format import ImageFormat, Resize, format_of
from gridsearch.data.catalog import load_dataset
from gridsearch.data.dataset import ImageDataset
from gridsearch.data.folder import load_folder
from gridsearch.data.image_files import ORIENTATION
from tests.data.refusals import refused
from tests.data.test_folder import fill, first_image

SIZE = (6, 8)
ORDER = "pixels (height x width)"


def strokes(root: Path, digits: ImageDataset, level: int, rows: range = range(40)) -> None:
    """Write digits whose strokes are in the alpha channel alone: every pixel has the same level."""
    for row in rows:
        alpha = digits.train_images[row]
        pixels = np.stack([np.full_like(alpha, level)] * 3 + [alpha], axis=-1)
        folder = root / digits.class_names[digits.train_labels[row]]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{row:05}.png")


@pytest.mark.parametrize(("level", "background"), [(0, "white"), (255, "black"), (200, "white"), (200, "black")])
def test_strokes_in_the_alpha_channel_are_seen(
    digits: ImageDataset, tmp_path: Path, level: int, background: str
) -> None:
    strokes(tmp_path / "strokes", digits, level)
    fill(tmp_path / "grey", digits, range(40))
    dataset = load_folder(tmp_path / "strokes", format_of({"background": background}))
    alpha = load_folder(tmp_path / "grey").train_images[..., None] / 255
    behind = {"white": 255, "black": 0}[background]
    assert np.abs(dataset.train_images - (alpha * level + (1 - alpha) * behind)).max() <= 1
    assert dataset.notes[0].startswith(f"40 images have transparent pixels: laid over {background} (background: ")


@pytest.mark.parametrize(("level", "background", "other"), [(255, "white", "black"), (0, "black", "white")])
def test_strokes_of_the_background_s_colour_are_refused(
    digits: ImageDataset, tmp_path: Path, level: int, background: str, other: str
) -> None:
    strokes(tmp_path, digits, level)
    with refused(f"over {background} nothing can be seen of the 40 images", f"write background: {other}"):
        load_folder(tmp_path, format_of({"background": background}))


def test_an_opaque_alpha_channel_changes_nothing(digits: ImageDataset, tmp_path: Path) -> None:
    fill(tmp_path, digits, range(40))
    for file in tmp_path.rglob("*.png"):
        with Image.open(file) as image:
            image.convert("RGB").save(file)
    before = load_folder(tmp_path)
    for mode, file in zip(("RGBA", "LA", "P"), tmp_path.rglob("*.png"), strict=False):
        with Image.open(file) as image:
            image.convert("L").convert(mode).save(file)
    after = load_folder(tmp_path)
    assert (after.fingerprint, after.notes) == (before.fingerprint, ())


def test_a_transparent_palette_and_a_transparent_grey(digits: ImageDataset, tmp_path: Path) -> None:
    fill(tmp_path, digits, range(40))
    plain = load_folder(tmp_path).train_images
    for file in tmp_path.rglob("*.png"):
        with Image.open(file) as image:
            image.save(file, transparency=0)
    dataset = load_folder(tmp_path)
    assert dataset.image_shape == (1, 8, 8)
    assert np.array_equal(dataset.train_images, np.where(plain == 0, 255, plain))
    file = first_image(tmp_path)
    with Image.open(file) as image:
        image.convert("P").save(file, transparency=0)
    assert "40 images have transparent pixels" in load_folder(tmp_path).notes[0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_images_are_turned_as_exif_says(tmp_path: Path, orientation: int, ending: str) -> None:
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8, :8] = 255  # bright in the upper left corner
    undone = {5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE}
    undone |= {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180}
    undone |= {4: Image.Transpose.FLIP_TOP_BOTTOM, 8: Image.Transpose.ROTATE_270}
    for name in ("a", "b"):
        image = Image.fromarray(upright)
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        stored = image.transpose(undone[orientation]) if orientation in undone else image
        (tmp_path / name).mkdir()
        stored.save(tmp_path / name / f"1.{ending}", exif=exif, **({"quality": 95} if ending == "jpg" else {}))
    dataset = load_folder(tmp_path)
    assert dataset.image_shape == (3, 16, 24)
    assert np.abs(dataset.train_images.astype(int) - upright).max() < 40
    assert bool(dataset.notes) == (orientation != 1)


@pytest.mark.parametrize("ending", ["gif", "webp", "jfif", "tif", "TIFF", "tga", "pnm", "jpe"])
def test_endings(digits: ImageDataset, tmp_path: Path, ending: str) -> None:
    for row in range(10):
        folder = tmp_path / str(row % 2)
        folder.mkdir(exist_ok=True)
        kind = {"jfif": "jpeg", "jpe": "jpeg", "pnm": "ppm"}.get(ending, ending.lower().replace("tif", "tiff")[:4])
        Image.fromarray(digits.train_images[row]).save(folder / f"{row}.{ending}", format=kind)
    dataset = load_folder(tmp_path)
    assert (len(dataset.train_images), dataset.notes) == (10, ())


def test_of_several_frames_the_first_is_taken_and_that_is_told(digits: ImageDataset, tmp_path: Path) -> None:
    fill(tmp_path, digits, range(10))
    frames = [Image.fromarray(image) for image in digits.train_images[:3]]
    frames[0].save(tmp_path / "0" / "many.tif", save_all=True, append_images=frames[1:])
    dataset = load_folder(tmp_path)
    assert np.array_equal(dataset.train_images[1], digits.train_images[0])
    assert dataset.notes == ("1 file has several frames: the first is taken",)


def two_shapes(root: Path) -> None:
    """Write wide and tall images, white in the middle half of either side, grey elsewhere."""
    for name, (height, width) in {"wide": (20, 40), "tall": (40, 20)}.items():
        pixels = np.full((height, width), 100, np.uint8)
        pixels[height // 4 : -height // 4, width // 4 : -width // 4] = 255
        for number in range(3):
            (root / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(root / name / f"{number}.png")


@pytest.mark.parametrize(
    ("resize", "corner", "middle_of_the_edges"),
    [("stretch", (100, 100), (100, 100)), ("crop", (100, 100), (255, 100)), ("pad", (0, 0), (100, 0))],
)
def test_images_of_two_sizes(
    tmp_path: Path, resize: Resize, corner: tuple[int, int], middle_of_the_edges: tuple[int, int]
) -> None:
    two_shapes(tmp_path)
    with refused("20 x 40", "40 x 20", "image_size: 40"):
        load_folder(tmp_path)
    dataset = load_folder(tmp_path, ImageFormat(size=(16, 16), resize=resize, background="black"))
    assert dataset.image_shape == (1, 16, 16)
    tall, wide = dataset.train_images[0], dataset.train_images[3]
    assert (tall[0, 0], wide[0, 0]) == corner
    assert (int(wide[8, 0]), int(tall[8, 0])) == pytest.approx(middle_of_the_edges, abs=20)
    assert tall[8, 8] == wide[8, 8] == 255
    (note,) = dataset.notes
    assert note == f"images of 2 sizes, from 20 x 40 to 40 x 20 are brought to 16 x 16 {ORDER}, resize: {resize}"
    others = {load_folder(tmp_path, ImageFormat((16, 16), other)).fingerprint for other in ("pad", "crop", "stretch")}
    assert len(others) == 3


def test_any_data_set_can_be_brought_to_a_size(digits: ImageDataset, tmp_path: Path) -> None:
    found = load_dataset("digits", folder=tmp_path, base=tmp_path, image_format=ImageFormat(SIZE))
    assert found.image_shape == (1, *SIZE)
    assert found.fingerprint != digits.fingerprint
    assert found.notes == (f"images of 8 x 8 are brought to 6 x 8 {ORDER}, resize: pad",)
    one = Image.fromarray(digits.train_images[0]).resize((6, 6), Image.Resampling.BILINEAR)
    assert np.array_equal(found.train_images[0][:, 1:-1], np.asarray(one))
    assert (found.train_images[:, :, 0] == 255).all()
    same = load_dataset("digits", folder=tmp_path, base=tmp_path, image_format=ImageFormat((8, 8)))
    assert same.fingerprint == digits.fingerprint
    channels = np.stack([digits.train_images] * 2, axis=-1)
    np.savez(tmp_path / "two.npz", train_images=channels, train_labels=digits.train_labels)
    two = load_dataset("two.npz", folder=tmp_path, base=tmp_path, image_format=ImageFormat(SIZE))
    assert np.array_equal(two.train_images[..., 1], found.train_images)


def test_a_grey_gif_is_grey(digits: ImageDataset, tmp_path: Path) -> None:
    fill(tmp_path, digits, range(40))
    picture = Image.fromarray(digits.train_images[0]).quantize(8)
    picture.save(tmp_path / "0" / "grey.gif")
    with Image.open(tmp_path / "0" / "grey.gif") as image:
        assert image.mode == "P"
        expected = np.asarray(image.convert("L"))
    dataset = load_folder(tmp_path)
    assert dataset.image_shape == (1, 8, 8) and dataset.notes == ()
    assert any(np.array_equal(image, expected) for image in dataset.train_images)


def test_what_makes_a_folder_colour_is_told(digits: ImageDataset, tmp_path: Path) -> None:
    fill(tmp_path, digits, range(40))
    picture = Image.fromarray(digits.train_images[0]).quantize(8)
    picture.save(tmp_path / "0" / "grey.png")
    dataset = load_folder(tmp_path)
    assert dataset.image_shape == (3, 8, 8)
    assert dataset.notes == (
        "1 image has a palette, such as 0/grey.png, so all are read as colour; without palettes, as they are grey, as"
        " grey",
    )
    Image.fromarray(np.stack([digits.train_images[row] for row in range(3)], axis=2)).quantize(8).save(
        tmp_path / "0" / "colour.gif"
    )
    assert load_folder(tmp_path).notes == ("2 images are in colour, such as 0/colour.gif, so all are read as colour",)
