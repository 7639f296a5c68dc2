"""Sample grids: which pictures stand in which line, and what the line is called."""

import numpy as np
import pandas as pd
import pytest
import torch

from gcdp_bench.core.images import write_layout
from gcdp_bench.datasets.folder_writer import FolderWriter
from gcdp_bench.report import grids
from gcdp_bench.report.grids import draw_guidance, draw_models
from gcdp_bench.report.style import theme
from gcdp_bench.results.layout import score_folder, write_point
from gcdp_bench.results.schema import REAL_OWN, to_frame
from tests.gcdp_bench.results.test_schema import record

NAMES = ("sky", "road", "car")
NUM = 3
PSI = {"param_name": "truncation psi", "steps": 1}


@pytest.fixture
def write(tmp_path):
    """A point of images of one grey; returns its row of FID."""

    def write_one(model, guidance, fid, grey, *, layouts=False, ids="012", greys=None, **changes):
        key = f"{model}{guidance}{changes.get('steps', 25)}"
        samples = tmp_path / "points" / key
        writer = FolderWriter(samples, class_names=NAMES, dataset="d", split="test")
        for index, name in enumerate(ids):
            layout = torch.full((4, 8), index % 3, dtype=torch.uint8)
            value = grey if greys is None else greys[index]
            image = torch.full((3, 4, 8), value, dtype=torch.uint8)
            writer.write(name, image, layout if layouts else None, f"caption {index}")
            write_layout(score_folder(tmp_path, key) / "predicted" / f"{name}.png", layout)
        write_point(tmp_path, key, samples, tmp_path / "r.npz", pd.DataFrame({"id": ["0"]}))
        fields = {"steps": 25, "source": "generated"} | changes
        return record(
            model=model,
            param_value=guidance,
            metric="fid-hrnet",
            value=fid,
            config_hash=key,
            **fields,
        )

    return write_one


def shown(figure):
    """Captions, and per line of pictures: its texts and the grey of its first."""
    (page,) = figure.axes
    texts = {text.get_position(): text.get_text().replace("\n", " ") for text in page.texts}
    captions = [text for (left, _), text in texts.items() if left > 0]
    body = []
    for picture in page.images[::NUM]:
        _, _, bottom, top = picture.get_extent()
        grey = int(np.asarray(picture.get_array())[0, 0, 0])
        body.append((texts.get((0.0, top), ""), texts[0.0, bottom], grey))
    return captions, body


def test_four_models_at_their_best_values_with_layouts_where_they_make_them(write, tmp_path):
    real = {"source": "real", "param_name": "none", "steps": None, "trained_on": "none"}
    rows = to_frame(
        [
            write(REAL_OWN, float("nan"), float("nan"), 10, layouts=True, **real),
            write("reference", 1.0, 5.0, 20, layouts=True),
            write("reference", 2.0, 4.0, 30, layouts=True),
            write("imagen", 2.0, 5.0, 40),
            write("imagen", 4.0, 4.0, 50),
            write("ldm", 4.0, 4.0, 60),
            write("lafite", 1.0, 4.0, 70, **PSI),
            write("lafite", 0.7, 3.0, 80, **PSI),
        ]
    )
    with theme():
        figure = draw_models(rows, tmp_path)
    captions, lines = shown(figure)
    assert captions == ["caption 0", "caption 1", "caption 2"]
    assert [line[:2] for line in lines] == [
        ("real (own captions)", "image"),
        ("", "layout"),
        ("", "segmented"),
        ("GCDP (reference), w 2", "image"),
        ("", "layout"),
        ("", "segmented"),
        ("LDM, w 4", "image"),
        ("", "segmented"),
        ("Lafite, ψ 0.7", "image"),
        ("", "segmented"),
        ("Imagen, w 4", "image"),
        ("", "segmented"),
    ]
    assert [line[2] for line in lines if line[1] == "image"] == [10, 30, 60, 80, 50]
    assert figure is not None
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(NAMES)


def test_one_model_over_its_parameter_at_the_steps_of_its_best(write, tmp_path):
    rows = to_frame(
        [
            write("lafite", 1.0, 4.0, 70, **PSI),
            write("lafite", 0.7, 3.0, 80, **PSI),
            write("ldm", 2.0, 4.0, 10),
            write("ldm", 2.0, 3.0, 20, steps=100),
            write("ldm", 4.0, 5.0, 30, steps=100),
            write("palette", 1.0, 9.0, 90, param_name="none"),
        ]
    )
    with theme():
        figures = [draw_guidance(rows, model, tmp_path) for model in ("lafite", "ldm", "palette")]
    gan, diffusion, single = (
        [(line[0], line[2]) for line in shown(figure)[1] if line[1] == "image"]
        for figure in figures
    )
    assert gan == [("ψ 0.7", 80), ("ψ 1", 70)]
    assert diffusion == [("w 2, 100 steps", 20), ("w 4, 100 steps", 30)]
    assert single == [("palette", 90)]


def test_real_images_stand_under_their_own_captions(write, tmp_path):
    real = {"source": "real", "param_name": "none", "steps": None, "trained_on": "none"}
    rows = to_frame(
        [
            write(
                REAL_OWN,
                float("nan"),
                float("nan"),
                0,
                layouts=True,
                ids="zma",
                greys=(1, 2, 3),
                **real,
            ),
            write("ldm", 2.0, 4.0, 0, greys=(1, 2, 3)),
        ]
    )
    with theme():
        figure = draw_models(rows, tmp_path)
    assert figure is not None
    captions, _ = shown(figure)
    assert captions == ["caption 0", "caption 1", "caption 2"]
    (page,) = figure.axes
    greys = [int(np.asarray(picture.get_array())[0, 0, 0]) for picture in page.images]
    assert greys[:NUM] == [1, 2, 3]  # real images
    assert greys[-2 * NUM : -NUM] == [1, 2, 3]  # samples


def test_without_samples_there_is_no_figure(write, tmp_path):
    row = write("ldm", 2.0, 4.0, 10)
    samples = tmp_path / "points" / row["config_hash"]
    samples.rename(tmp_path / "gone")
    assert draw_models(to_frame([row]), tmp_path) is None


def test_the_first_seed_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(grids, "read_point", lambda _results, config_hash: config_hash)
    rows = to_frame([record(seed=seed, config_hash=f"seed {seed}") for seed in (2, 0, 1)])
    assert grids._point(rows, tmp_path) == "seed 0"
    assert grids._point(rows[:0], tmp_path) is None
