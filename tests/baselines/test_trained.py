"""Folders of trained models: what is missing, and whose they are."""

from types import SimpleNamespace

import pytest

from baselines.trained import Configured, read_task
from gcdp_bench.core.config import write_json


def read(folder):
    return read_task(folder, model="gan", key="gan", files=("config.json", "part/weights"))


def test_a_task_is_read_when_every_file_is_there(tmp_path):
    write_json(tmp_path / "config.json", {"task": {"kind": "gan", "gan": {"size": 3}}})
    with pytest.raises(FileNotFoundError, match="trained gan .* found no part/weights; train one"):
        read(tmp_path)
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "weights").touch()
    assert read(tmp_path)["gan"] == {"size": 3}
    write_json(tmp_path / "config.json", {"task": {"kind": "ldm"}})
    with pytest.raises(ValueError, match="configuration of a gan, got one of ldm; train one with"):
        read(tmp_path)


def test_a_configuration_describes_its_generator():
    generator = Configured()
    generator.config = SimpleNamespace(dataset="d", class_names=("a",), image_size=(2, 4))
    assert (generator.trained_on, generator.class_names) == ("d", ("a",))
    assert generator.image_size == (2, 4)
