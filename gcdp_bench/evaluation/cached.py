"""A pass of the networks over images that is made once per content and network, on one machine."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from numpy.typing import NDArray

from gcdp_bench.core.config import digest
from gcdp_bench.core.progress import Progress
from gcdp_bench.core.provenance import PRECISION
from gcdp_bench.core.types import Dataset, Extractor, Triplet
from gcdp_bench.evaluation.features import EvalOptions, FeatureCache, extract_features
from gcdp_bench.extractors.bundle import CLIP_ROLE, Extractors, arrays_of, segmenter_role
from gcdp_bench.extractors.inference import computation_of
from gcdp_bench.io.cache import UserCache
from gcdp_bench.io.validation import file_stem

CACHE_VERSION = 3
"""Version of the arrays and of the networks' preprocessing."""


@dataclass(frozen=True)
class Content:
    """Digests of an image: alone, and with its layout."""

    image: str
    pair: str


@dataclass(frozen=True)
class CachedPass:
    """Extracted features, and digests of their inputs."""

    observed: FeatureCache
    contents: tuple[Content, ...]


def extract_cached(
    images: Dataset,
    extractors: Extractors,
    cache: UserCache,
    *,
    roles: Collection[str],
    captions: Sequence[str] | None = None,
    progress: Progress,
    task: str,
) -> CachedPass:
    """As `extract_features`, with the networks of `roles` alone, each on the same images once.

    Every image is read once: it is hashed while the networks run whose arrays no entry of the cache
    may hold, told by the first image. Only if the others turn out to be different, because a later
    image changed, is a second pass made. Of several processes one computes, the others wait.

    Args:
        images: real images or controls.
        extractors: the networks.
        cache: holds arrays under the digests of images, network, computation (precision, batch
            norm folded or not) and preprocessing; of layouts for segmenters, of captions for CLIP.
        roles: of `Extractors.networks`.
        captions: prompted instead of the images' own.
        progress: told of every batch.
        task: what the progress bar says.
    """
    read = _Read(images)
    keys = _Keys(extractors, images.image_size, len(images))

    def look(roles: Collection[str], name: str) -> FeatureCache:
        eval_options = EvalOptions(captions=captions, roles=roles)
        return extract_features(read, extractors, eval_options, progress=progress, task=name)

    first = read.first()
    prompted = [first.caption] if captions is None else captions[:1]
    with cache.alone(keys.start("", first_content := read.contents(1)[0], prompted[0])):
        starts = {role: keys.start(role, first_content, prompted[0]) for role in roles}
        made = {role for role in roles if not cache.starts_with(starts[role])}
        seen = look(made, task)
        contents = read.contents(len(images))
        names = {
            role: f"{starts[role]}-{keys.rest(role, contents, seen.captions)}" for role in roles
        }
        lacking = set()
        for role in set(roles) - made:
            try:
                seen = _with_arrays(seen, role, cache.read(names[role]) or {})
            except (KeyError, ValueError):  # a later image is another one, or the entry was removed
                lacking.add(role)
        if lacking:
            again = look(lacking, f"{task}, other networks")
            for role in lacking:
                seen = _with_arrays(seen, role, _arrays(again, role))
        for role in made | lacking:
            label = file_stem(f"{images.name} {images.split} {len(images)} {role}")
            cache.write(label, names[role], _arrays(seen, role))
    return CachedPass(_in_order(seen, extractors), contents)


class _Read:
    """Images that remember what they held when they were read."""

    def __init__(self, images: Dataset):
        self._images = images
        self._contents: dict[int, Content] = {}
        self._first: Triplet | None = None  # until it is read again
        self.name, self.split = images.name, images.split
        self.class_names, self.image_size = images.class_names, images.image_size
        self.caption_classes = images.caption_classes

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Triplet:
        if index == 0 and self._first is not None:
            triplet, self._first = self._first, None
            return triplet
        triplet = self._images[index]
        content = hashlib.sha256(triplet.image.numpy().tobytes())
        image = content.hexdigest()
        content.update(triplet.layout.numpy().tobytes())
        self._contents[index] = Content(image, content.hexdigest())
        return triplet

    def first(self) -> Triplet:
        """The first image, which is kept until it is read."""
        self._first = self[0]
        return self._first

    def contents(self, num: int) -> tuple[Content, ...]:
        """Digests of the first images."""
        return tuple(self._contents[index] for index in range(num))


class _Keys:
    """Names of entries: a beginning that the first image tells, and the rest."""

    def __init__(self, extractors: Extractors, size: tuple[int, int], num: int):
        self._networks = extractors.networks
        self._common = [CACHE_VERSION, PRECISION, list(size), num]

    def start(self, role: str, first: Content, caption: str) -> str:
        """Digest of the network and the first image; role "": of the image alone."""
        network = self._networks.get(role)
        identity = [] if network is None else _identity(network)
        return digest([*self._common, role, identity, *_shown(role, first, caption)])

    def rest(self, role: str, contents: Sequence[Content], captions: Sequence[str]) -> str:
        """Digest of all images, as far as the network is shown them."""
        parts = zip(contents, captions, strict=True)
        return digest([_shown(role, content, caption) for content, caption in parts])


def _identity(network: Extractor) -> list[str]:
    return [network.name, network.resizer, network.digest, computation_of(network)]


def _shown(role: str, content: Content, caption: str) -> list[str]:
    """Inputs of a role's arrays: a segmenter's are counted with the layout."""
    if role == CLIP_ROLE:
        return [content.image, caption]
    return [content.pair if role.startswith(segmenter_role("")) else content.image]


def _arrays(seen: FeatureCache, role: str) -> dict[str, NDArray]:
    """Arrays of a role's network, by the first words of their names."""
    return {name.partition(" ")[0]: seen.arrays[name] for name in arrays_of(role)}


def _with_arrays(seen: FeatureCache, role: str, arrays: Mapping[str, NDArray]) -> FeatureCache:
    """Put in what the network of a role extracted.

    Raises:
        KeyError, ValueError: arrays are missing or of other images.
    """
    return seen.with_arrays({name: arrays[name.partition(" ")[0]] for name in arrays_of(role)})


def _in_order(seen: FeatureCache, extractors: Extractors) -> FeatureCache:
    """Arrays in the order of the networks, the primary ones first."""
    names = [name for role in extractors.networks for name in arrays_of(role)]
    of_networks = {name: seen.arrays[name] for name in names if name in seen.arrays}
    own = {name: array for name, array in seen.arrays.items() if name not in of_networks}
    return replace(seen, arrays=own | of_networks)
