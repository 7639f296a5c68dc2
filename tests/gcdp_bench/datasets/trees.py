"""Small trees in the official layout of each dataset, written for a test."""

import json
import pickle
from pathlib import Path

import numpy as np
from PIL import Image

LABELS = np.array([7, 8, 11, 21, 23, 24, 26, 0, 4], np.uint8)  # Cityscapes label ids
CLASSES = [0, 1, 2, 8, 10, 11, 13, 19, 19]  # the training classes of those
CITIES = {"train": ("aachen", "bremen"), "val": ("frankfurt",)}


def noise(random, height, width):
    return random.integers(0, 256, (height, width, 3), dtype=np.uint8)


def save(path: Path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_cityscapes(root: Path, num: dict[str, int] | None = None, size=(16, 32)) -> Path:
    """`leftImg8bit` and `gtFine`: every frame has every label of `LABELS`, in columns."""
    random = np.random.default_rng(0)
    labels = np.tile(LABELS[np.arange(size[1]) % len(LABELS)], (size[0], 1))
    for split, count in (num or {"train": 4, "val": 2}).items():
        for index in range(count):
            city = CITIES[split][index % len(CITIES[split])]
            stem = f"{city}_{index:06d}_000019"
            save(
                root / "leftImg8bit" / split / city / f"{stem}_leftImg8bit.png",
                noise(random, *size),
            )
            save(root / "gtFine" / split / city / f"{stem}_gtFine_labelIds.png", labels)
    return root


def write_celeba(
    root: Path, num_train: int = 40, num_test: int = 6, *, attributes: bool = True
) -> Path:
    """Images 32x32 and masks 16x16 of ids 1990 and up, so that two folders of masks are used."""
    random = np.random.default_rng(0)
    ids = [str(1990 + i) for i in range(num_train + num_test)]
    for name in ids:
        write_face(root, name, random)
    for split, part in (("train", ids[:num_train]), ("test", ids[num_train:])):
        (root / split).mkdir()
        (root / split / "filenames.pickle").write_bytes(pickle.dumps(part, protocol=2))
    if attributes:
        write_attributes(root, ids)
    return root


def write_face(root: Path, name: str, random) -> None:
    """Photograph, ten captions, and the overlapping masks of skin, hair and hat."""
    path = root / "CelebA-HQ-img" / f"{name}.jpg"
    save(path, noise(random, 32, 32))
    for part, (top, bottom) in {"skin": (4, 16), "hair": (2, 8), "hat": (0, 5)}.items():
        mask = np.zeros((16, 16, 3), np.uint8)
        mask[top:bottom] = 255
        write_mask(root, name, part, mask)
    captions = root / "text" / "celeba-caption" / f"{name}.txt"
    captions.parent.mkdir(parents=True, exist_ok=True)
    captions.write_text(
        "".join(f"The woman wears hat, caption {i} of {name}.\n" for i in range(10))
    )


def write_mask(root: Path, name: str, part: str, mask) -> None:
    folder = root / "CelebAMask-HQ-mask-anno" / str(int(name) // 2000)
    save(folder / f"{int(name):05d}_{part}.png", mask)


def write_attributes(root: Path, ids) -> None:
    from gcdp_bench.datasets.faces import ATTRIBUTE_NAMES

    lines = [str(len(ids)), " ".join(ATTRIBUTE_NAMES)]
    for name in ids:
        values = ["1" if (int(name) + a) % 3 == 0 else "-1" for a in range(len(ATTRIBUTE_NAMES))]
        lines.append(f"{name}.jpg  {' '.join(values)}")
    (root / "CelebAMask-HQ-attribute-anno.txt").write_text("\n".join(lines) + "\n")


def write_manifest(path: Path, captions: dict[str, list[str]]) -> Path:
    lines = (json.dumps({"file_name": name, "text": texts}) for name, texts in captions.items())
    path.write_text("\n".join(lines) + "\n")
    return path
