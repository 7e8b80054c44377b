from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gridsearch.data.dataset import ImageDataset
from gridsearch.data.folder import load_folder
from tests.data.refusals import refused


def fill(root: Path, dataset: ImageDataset, rows: range, suffix: str = "png") -> None:
    """Write real images as files, each into the folder of its class."""
    for row in rows:
        folder = root / dataset.class_names[dataset.train_labels[row]]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(dataset.train_images[row]).save(folder / f"{row:05}.{suffix}")


def first_image(root: Path) -> Path:
    return min(root.rglob("*.png"))


@pytest.fixture
def root(cifar10: ImageDataset, tmp_path: Path) -> Path:
    """Return a folder of 200 real photographs."""
    fill(tmp_path / "photos", cifar10, range(200))
    return tmp_path / "photos"


def test_images_are_read_by_class_then_path(cifar10: ImageDataset, root: Path) -> None:
    dataset = load_folder(root)
    expected = np.argsort(cifar10.train_labels[:200], kind="stable")
    assert dataset.name == "photos"
    assert dataset.class_names == cifar10.class_names  # CIFAR-10's are in alphabetical order already
    assert np.array_equal(dataset.train_labels, cifar10.train_labels[:200][expected])
    assert np.array_equal(dataset.train_images, cifar10.train_images[:200][expected])
    assert dataset.test_images.shape == (0, 32, 32, 3)
    assert load_folder(root).fingerprint == dataset.fingerprint


def test_the_fingerprint_ignores_where_the_folder_lies(root: Path, tmp_path: Path) -> None:
    before = load_folder(root).fingerprint
    assert load_folder(root.rename(tmp_path / "moved")).fingerprint == before


def test_train_and_test_folders(cifar10: ImageDataset, tmp_path: Path) -> None:
    fill(tmp_path / "train", cifar10, range(100))
    fill(tmp_path / "test", cifar10, range(100, 110))
    dataset = load_folder(tmp_path)
    rows = 100 + np.argsort(cifar10.train_labels[100:110], kind="stable")
    assert len(dataset.train_images) == 100
    assert np.array_equal(dataset.test_images, cifar10.train_images[rows])
    assert np.array_equal(dataset.test_labels, cifar10.train_labels[rows])


def test_a_train_folder_alone(cifar10: ImageDataset, tmp_path: Path) -> None:
    fill(tmp_path / "train", cifar10, range(100))
    assert len(load_folder(tmp_path).train_images) == 100


def test_a_class_may_be_called_train(cifar10: ImageDataset, root: Path) -> None:
    (root / "truck").rename(root / "train")
    assert "train" in load_folder(root).class_names


def test_grey_images_have_no_channels(digits: ImageDataset, tmp_path: Path) -> None:
    fill(tmp_path, digits, range(50))
    dataset = load_folder(tmp_path)
    assert dataset.train_images.shape == (50, 8, 8)
    assert dataset.image_shape == (1, 8, 8)
    assert np.array_equal(np.sort(dataset.train_labels), np.sort(digits.train_labels[:50]))


def test_one_colour_image_makes_all_of_them_rgb(digits: ImageDataset, tmp_path: Path) -> None:
    fill(tmp_path, digits, range(50))
    grey = load_folder(tmp_path)
    with Image.open(first_image(tmp_path)) as image:
        image.convert("RGBA").save(first_image(tmp_path))
    mixed = load_folder(tmp_path)
    assert mixed.image_shape == (3, 8, 8)
    assert np.array_equal(mixed.train_images, np.repeat(grey.train_images[..., None], 3, axis=3))


def test_palette_and_two_colour_images(cifar10: ImageDataset, root: Path) -> None:
    path = first_image(root)
    with Image.open(path) as image:
        image.convert("P").save(path)
    assert load_folder(root).image_shape == (3, 32, 32)


def test_other_endings_nested_folders_and_files_to_pass_over(cifar10: ImageDataset, root: Path) -> None:
    fill(root, cifar10, range(200, 210), "JPG")
    fill(root, cifar10, range(210, 220), "bmp")
    deeper = root / "cat" / "black"
    deeper.mkdir()
    first_image(root / "cat").rename(deeper / "one.png")
    (root / "README.txt").write_text("photographs")
    (root / "cat" / "Thumbs.db").write_bytes(b"\x00")
    (root / "cat" / "._one.png").write_bytes(b"\x00")
    (root / ".cache").mkdir()
    assert len(load_folder(root).train_images) == 220


def test_unequal_sizes_name_two_files(root: Path) -> None:
    path = max(root.rglob("*.png"))
    with Image.open(path) as image:
        image.resize((40, 30)).save(path)
    with refused(
        str(path),
        "is 30 x 40 pixels (height x width)",
        str(first_image(root)),
        "is 32 x 32",
        "image_size: 32",
        "pad, crop",
    ):
        load_folder(root)


@pytest.mark.parametrize("content", [b"", b"no image at all"])
def test_an_unreadable_image_is_named(root: Path, content: bytes) -> None:
    path = max(root.rglob("*.png"))
    path.write_bytes(content)
    with refused(str(path), "not a readable image", "replace the file or remove it"):
        load_folder(root)


def test_a_truncated_image_is_named(root: Path) -> None:
    path = max(root.rglob("*.png"))
    path.write_bytes(path.read_bytes()[:-200])
    with refused(str(path), "not a readable image"):
        load_folder(root)


def test_deep_images_are_refused_rather_than_clipped(digits: ImageDataset, tmp_path: Path) -> None:
    fill(tmp_path, digits, range(50))
    path = first_image(tmp_path)
    Image.fromarray(digits.train_images[0].astype(np.uint16) * 257).save(path)
    with refused(str(path), "more than 8 bits", "convert it"):
        load_folder(tmp_path)


def test_folders_without_enough_classes(root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with refused(str(tmp_path / "empty"), "no class folders", "two or more"):
        load_folder(tmp_path / "empty")
    (tmp_path / "empty").rmdir()
    with refused(str(tmp_path), "only one class folder, 'photos'"):
        load_folder(tmp_path)
    with refused(str(root / "no"), "no such folder"):
        load_folder(root / "no")


def test_a_class_without_images(root: Path) -> None:
    (root / "zebra").mkdir()
    (root / "zebra" / "notes.txt").write_text("none yet")
    with refused(str(root / "zebra"), "has no images", ".png", "remove the class folder"):
        load_folder(root)


def test_test_classes_must_be_trained_on(cifar10: ImageDataset, tmp_path: Path) -> None:
    fill(tmp_path / "train", cifar10, range(100))
    (tmp_path / "test").mkdir()
    with refused(str(tmp_path / "test"), "no class folders", "remove it"):
        load_folder(tmp_path)
    (tmp_path / "test" / "zebra").mkdir()
    with refused(str(tmp_path / "test" / "zebra"), "without training images", "airplane, automobile"):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    ("names", "sizes"),
    [
        (("train", "val", "test"), [100, 30, 20]),
        (("Training", "VALID", "Testing"), [100, 30, 20]),
        (("TRAIN", "dev", ""), [100, 0, 20]),
        (("train", "validation", ""), [100, 0, 20]),
    ],
)
def test_usual_names_of_parts(digits: ImageDataset, tmp_path: Path, names: tuple[str, ...], sizes: list[int]) -> None:
    rows = (range(100), range(100, 120), range(120, 150))
    for name, part in zip(names, rows, strict=True):
        if name:
            fill(tmp_path / name, digits, part)
    dataset = load_folder(tmp_path)
    assert [len(labels) for labels in dataset.labels] == sizes
    order = 100 + np.argsort(digits.train_labels[100:120], kind="stable")
    assert np.array_equal(dataset.validation_images, digits.train_images[order])


def test_parts_that_are_not_clear(digits: ImageDataset, tmp_path: Path) -> None:
    fill(tmp_path / "train", digits, range(50))
    fill(tmp_path / "unlabelled", digits, range(50, 60))
    with refused("'unlabelled' beside 'train'", "train (or training), val (or valid, validation, dev), test"):
        load_folder(tmp_path)
    (tmp_path / "unlabelled").rename(tmp_path / "Train")
    with refused("Train and train are both the train part"):
        load_folder(tmp_path)
    (tmp_path / "Train").rename(tmp_path / "test")
    (tmp_path / "train").rename(tmp_path / "val")
    with refused("has test, val but no training images", str(tmp_path / "train")):
        load_folder(tmp_path)


def test_parts_without_class_folders(digits: ImageDataset, tmp_path: Path) -> None:
    for part, rows in (("train", range(20)), ("test", range(20, 30))):
        (tmp_path / part).mkdir()
        for row in rows:
            Image.fromarray(digits.train_images[row]).save(tmp_path / part / f"{row}.png")
    with refused("without class folders", "CLASS/1.png"):
        load_folder(tmp_path)


def test_classes_of_folders_only(digits: ImageDataset, tmp_path: Path) -> None:
    for half in ("one", "two"):
        fill(tmp_path / half, digits, range(50))
    with refused(str(tmp_path / "one"), "holds only folders, such as '0'"):
        load_folder(tmp_path)
    (tmp_path / "two").rename(tmp_path / "one" / "0" / "two")
    with refused(str(tmp_path), "only one class folder, 'one'", f"name {tmp_path / 'one'} if the classes"):
        load_folder(tmp_path)


def test_what_is_passed_over_is_told(digits: ImageDataset, tmp_path: Path) -> None:
    fill(tmp_path, digits, range(50))
    assert load_folder(tmp_path).notes == ()
    (tmp_path / "labels.csv").write_text("")
    (tmp_path / "0" / "photo.heic").write_bytes(b"")
    (tmp_path / "__MACOSX").mkdir()
    (note,) = load_folder(tmp_path).notes
    assert note == "2 files that are not images of a class were skipped (1 .csv, 1 .heic), such as labels.csv"


@pytest.mark.parametrize(
    ("folders", "mend"),
    [
        (["Train_set", "eval"], "rename the folder 'Train_set' to 'train', 'eval' to 'val'; parts of a data set are"),
        (["train", "eval"], "rename the folder 'eval' to 'val'"),
        (["train", "val", "eval"], "rename the folder 'eval' to 'test'"),
        (["Train_set", "test"], "rename the folder 'Train_set' to 'train'"),
        (["Train_set"], "rename the folder 'Train_set' to 'train'"),
        (
            ["train", "extra"],
            "has the folder 'extra' beside 'train'; parts of a data set are called train (or training),",
        ),
        (["foo", "bar"], "if 'bar' is a part of the data, call it train, val or test"),
    ],
)
def test_parts_by_other_names(digits: ImageDataset, tmp_path: Path, folders: list[str], mend: str) -> None:
    for place, folder in enumerate(folders):
        fill(tmp_path / folder, digits, range(40 * place, 40 * place + 40))
    with refused(str(tmp_path), mend):
        load_folder(tmp_path)


def test_a_class_that_is_called_much_like_a_part(digits: ImageDataset, tmp_path: Path) -> None:
    fill(tmp_path, digits, range(40))
    (tmp_path / "0").rename(tmp_path / "training shoes")
    assert "training shoes" in load_folder(tmp_path).class_names
    fill(tmp_path / "training shoes", digits, range(40, 45))
    assert len(load_folder(tmp_path).train_images) == 45
