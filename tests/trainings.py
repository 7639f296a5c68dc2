"""A training of every network, small enough for a test: four steps on striped images."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from baselines.dataset_ddpm.task import LabelTask
from baselines.gansformer.task import GansformerTask
from baselines.lafite.task import LafiteTask
from baselines.ldm.autoencoder_task import AutoencoderTask
from baselines.ldm.task import LdmTask
from baselines.semantic_palette.image_task import ImageTask
from baselines.semantic_palette.layout_task import LayoutTask
from gcdp_bench.core.progress import Silent
from gcdp_bench.extractors.attributes_training import AttributesTask
from gcdp_bench.extractors.clip_training import ClipTask
from gcdp_bench.extractors.segmenter_training import SegmenterTask
from gcdp_bench.training.loop import TrainingConfig, train
from gcdp_bench.training.task import AdversarialTask, Task
from reference_model.stage import StageConfig
from reference_model.task import StageTask
from reference_model.text import build_text_encoder
from tests.baselines.dataset_ddpm import small as label
from tests.baselines.gansformer import small as gansformer
from tests.baselines.lafite import taught as lafite
from tests.baselines.ldm import tiny as ldm
from tests.baselines.ldm.test_autoencoder import CONFIG as AUTOENCODER
from tests.baselines.semantic_palette import small as palette
from tests.gcdp_bench.extractors import test_attributes as attributes
from tests.gcdp_bench.extractors import test_segmenter as segmenter
from tests.reference_model.conftest import Stripes, base_config, sr_config

HALF, WHOLE = 2, 4  # steps; there is a checkpoint after each half


@dataclass(frozen=True)
class Training:
    """What the loop takes."""

    task: Callable[[Path], Task | AdversarialTask]  # a new one; writes its parts into a folder
    config: TrainingConfig = TrainingConfig(
        steps=WHOLE, batch_size=4, learning_rate=2e-3, warmup_steps=2, checkpoint_every=HALF
    )

    def run(self, folder: Path, parts: Path, *, steps: int = WHOLE, resume: bool = False) -> Path:
        """Train into `folder`, on what lies in `parts`."""
        return train(
            self.task(parts),
            replace(self.config, steps=steps),
            folder,
            resume=resume,
            progress=Silent(),
            part="it",
            dataset="toy",
        )


def _stage(config: StageConfig, stripes: Callable[..., Stripes] = Stripes) -> Training:
    text = build_text_encoder(config.text)
    return Training(lambda parts: StageTask(config, stripes(), stripes("val"), text))


def _adversarial(task: Callable[[Path], AdversarialTask]) -> Training:
    config = replace(Training.config, warmup_steps=0, betas=(0.0, 0.99), max_grad_norm=None)
    return Training(task, config)


def _ldm(parts: Path) -> LdmTask:
    if not parts.exists():
        ldm.autoencoder().save_pretrained(parts)
    return LdmTask(ldm.ldm_config(autoencoder=str(parts)), ldm.stripes(), ldm.stripes("val"), parts)


def _lafite(parts: Path) -> LafiteTask:
    clip = parts if parts.exists() else lafite.write_clip(parts)
    return LafiteTask(lafite.REMEMBERING, lafite.WideStripes(), lafite.WideStripes("val"), clip)


def _labels(parts: Path) -> LabelTask:
    ddpm = parts if parts.exists() else label.write_stage(parts)
    config = replace(label.LABELS, ddpm=str(ddpm))
    return LabelTask(config, label.stripes(), label.stripes("val"), ddpm)


def _palette(parts: Path) -> ImageTask:
    layouts = parts if parts.exists() else palette.write_layout_folder(parts)
    return ImageTask(palette.IMAGES, palette.EyedStripes(), palette.EyedStripes("val"), layouts)


TRAININGS: Mapping[str, Training] = {
    "reference": _stage(base_config()),
    "reference sr": _stage(sr_config()),
    "reference-unconditional": _stage(replace(base_config(), text_drop=1.0)),
    "imagen": _stage(base_config(layouts=False)),
    "imagen sr": _stage(sr_config(layouts=False)),
    "ldm": Training(_ldm),
    "lafite": _adversarial(_lafite),
    "gansformer": _adversarial(
        lambda parts: GansformerTask(
            gansformer.CONFIG, gansformer.WideStripes(), gansformer.WideStripes("val")
        )
    ),
    "dataset-ddpm": Training(_labels),
    "semantic-palette": _adversarial(_palette),
    "autoencoder": _adversarial(
        lambda parts: AutoencoderTask(AUTOENCODER, Stripes(), Stripes("val"))
    ),
    "lafite-clip": Training(
        lambda parts: ClipTask(
            lafite.clip_config(), lafite.WideStripes(), lafite.WideStripes("val")
        )
    ),
    "ddpm": _stage(label.stage_config(), label.stripes),
    "palette-layouts": _adversarial(
        lambda parts: LayoutTask(palette.LAYOUTS, palette.EyedStripes(), palette.EyedStripes("val"))
    ),
    "segmenter": Training(
        lambda parts: SegmenterTask(
            segmenter.config(balance=0.5), segmenter.Halves(), segmenter.Halves()
        )
    ),
    "clip": Training(
        lambda parts: ClipTask(
            replace(lafite.clip_config(), image_size=lafite.SIZE, tower="transformer", patch=4),
            lafite.WideStripes(),
            lafite.WideStripes("val"),
        )
    ),
    "attributes": Training(
        lambda parts: AttributesTask(attributes.resolved(), attributes.Lamps(), attributes.Lamps())
    ),
}
"""Networks as `gcdp-bench train` names them, some with their stage."""
