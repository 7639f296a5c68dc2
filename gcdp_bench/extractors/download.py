"""Published weights through the library that owns them: the only module that opens a connection."""

from __future__ import annotations

import shutil
from pathlib import Path

from gcdp_bench.extractors.registry import WeightSpec


def fetch_from_owner(spec: WeightSpec, path: Path) -> None:
    """Download the weights of `spec` to `path`, which does not exist yet.

    Raises:
        Exception: whatever the library raises; `store.download_weights` explains it.
    """
    if spec.owner == "torch-hub":
        from torch.hub import download_url_to_file

        download_url_to_file(spec.source, str(path), hash_prefix=spec.sha256)
    elif spec.owner == "open-clip":
        import open_clip

        model, _, tag = spec.source.partition("/")
        config = open_clip.get_pretrained_cfg(model, tag)
        open_clip.download_pretrained(config, prefer_hf_hub=False, cache_dir=str(path.parent))
    else:
        from huggingface_hub import snapshot_download

        snapshot_download(spec.source, local_dir=path, allow_patterns=[*spec.files, *spec.optional])
        shutil.rmtree(path / ".cache", ignore_errors=True)
