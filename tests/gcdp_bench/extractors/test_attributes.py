"""The attribute classifier: its files, what it refuses, its thresholds, and that it can learn."""

import math
from dataclasses import replace

import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st

from gcdp_bench import train
from gcdp_bench.core.config import to_dict, write_json
from gcdp_bench.core.finite import NotFinite
from gcdp_bench.core.images import to_float, to_uint8
from gcdp_bench.core.progress import Silent
from gcdp_bench.core.rng import generator
from gcdp_bench.core.types import Triplet
from gcdp_bench.datasets.identity import DatasetIdentity
from gcdp_bench.extractors import attributes, attributes_training
from gcdp_bench.extractors.attributes import AttributeClassifier, AttributesConfig, build_network
from gcdp_bench.extractors.attributes_training import ATTRIBUTES_PRESETS, AttributesTask
from gcdp_bench.extractors.trained import ATTRIBUTES
from gcdp_bench.generators import training_sizes
from gcdp_bench.training import loop
from gcdp_bench.training.checkpoint import save_weights
from gcdp_bench.training.runs import find_run
from tests.properties import examples

NAMES = ("red", "striped", "never")
LAMPS = DatasetIdentity(
    name="lamps-25",
    kind="catalogue",
    class_names=("lamp",),
    digest="1a",
    num_training=20,
    place="lamps-25",
)


class Lamps:
    """Red or blue, striped or plain; "never" is true of none."""

    name, split, class_names, image_size = "lamps-25", "train", ("lamp",), (32, 32)
    attribute_names = NAMES

    def __len__(self):
        return 20

    def __getitem__(self, index):
        red, striped, _ = self.attributes(index).tolist()
        noise = generator("lamp", index)
        image = torch.randint(0, 60, (3, 32, 32), dtype=torch.uint8, generator=noise)
        image[0 if red else 2] += 150
        if striped:
            image[:, ::8] = image[:, 1::8] = 0
        return Triplet(f"{index}", image, torch.zeros(32, 32, dtype=torch.uint8), "a lamp")

    def attributes(self, index):
        return torch.tensor([index % 2 == 0, index % 5 < 2, False])

    def caption_classes(self, caption):
        return frozenset()

    def caption_attributes(self, caption):
        return {}


def resolved(**changes):
    return replace(ATTRIBUTES_PRESETS["tiny"].resolve(Lamps()).config, **changes)


def images(num):
    return torch.stack([Lamps()[index].image for index in range(num)])


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    save_weights(tmp_path / "model.safetensors", build_network(resolved()).state_dict())
    write_json(tmp_path / "config.json", {"task": {"attributes": to_dict(resolved())}})
    return tmp_path


def test_the_preset_counts_the_training_images():
    config = resolved()
    assert config.attribute_names == NAMES and config.image_size == (32, 32)
    assert config.frequencies == (0.5, 0.4, 0.0)


def test_it_learns_the_lamps():
    task = AttributesTask(resolved(), Lamps(), Lamps())
    torch.manual_seed(0)
    network = task.build()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.5  # or the statistics take longer than the learning
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for step in range(25):
        loss = task.losses(network, task.batch(range(20), generator(step)))["cross_entropy"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    values = task.validation(network.eval())
    assert values["balanced_accuracy/red"] > 0.9 and values["balanced_accuracy/striped"] > 0.9
    assert "balanced_accuracy/never" not in values
    assert task.preview(network) is None
    classifier = AttributeClassifier(task.config, network)
    seen = classifier.predict(images(20)) >= classifier.thresholds
    truth = torch.stack([Lamps().attributes(index) for index in range(20)])
    assert (seen == truth)[:, :2].float().mean() > 0.9


def test_shapes_round_trip_and_independence_of_the_batch(folder, monkeypatch):
    classifier = AttributeClassifier.load(folder)
    assert classifier.name == "shufflenet_v2_x0_5-lamps-25-32x32"
    assert classifier.digest == AttributeClassifier.load(folder).digest
    assert classifier.attribute_names == NAMES and classifier.resizer == "native"
    together = classifier.predict(images(5))
    assert together.shape == (5, 3) and together.dtype == torch.float32
    torch.manual_seed(0)
    logits = build_network(resolved()).eval()(to_float(images(5)))
    assert torch.allclose(together, 1 / (1 + (-logits).exp()), atol=1e-6)
    monkeypatch.setattr(attributes, "CHUNK", 2)
    assert torch.allclose(classifier.predict(images(5)), together, atol=1e-6)
    classifier.check(Lamps())


def test_logits_that_are_not_finite_are_no_answer(folder):
    classifier = AttributeClassifier.load(folder)

    def spoil(_module, _inputs, output):
        output[1, 0] = torch.nan

    classifier.network.register_forward_hook(spoil)
    with pytest.raises(NotFinite, match=r"attribute logits of .* in 1 of 2 .*--attributes"):
        classifier.predict(images(2))


def test_images_reach_the_backbone_as_torchvision_normalises_them():
    network = build_network(resolved())
    given = []
    network.backbone.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    network.eval()(to_float(images(2)))
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    expected = torchvision.transforms.Normalize(mean, std)(images(2) / 255)
    assert torch.allclose(given[0], expected, atol=1e-5)


class TestRefusals:
    def test_another_size(self, folder):
        classifier = AttributeClassifier.load(folder)
        with pytest.raises(ValueError, match=r"expected images of \(32, 32\), got \(16, 32\)"):
            classifier.predict(torch.zeros(1, 3, 16, 32, dtype=torch.uint8))

        class Large(Lamps):
            image_size = (64, 64)

        with pytest.raises(ValueError, match=r"got \(64, 64\); train an attribute classifier at"):
            classifier.check(Large())

    def test_other_attributes(self, folder):
        class Other(Lamps):
            attribute_names = ("red", "striped", "green")

        message = "has 3; differing: green, never; train one with `gcdp-bench train attributes"
        with pytest.raises(ValueError, match=message):
            AttributeClassifier.load(folder).check(Other())

        class Turned(Lamps):
            attribute_names = NAMES[::-1]

        with pytest.raises(ValueError, match="differing: their order"):
            AttributeClassifier.load(folder).check(Turned())

    def test_a_dataset_without_attributes(self, folder):
        from tests.reference_model.conftest import Stripes

        message = "stripes: expected a dataset whose images have yes-or-no attributes"
        with pytest.raises(ValueError, match=message):
            ATTRIBUTES_PRESETS["tiny"].resolve(Stripes())
        with pytest.raises(ValueError, match=message):
            AttributeClassifier.load(folder).check(Stripes())

    def test_weights_of_another_configuration(self, folder):
        config = resolved(attribute_names=NAMES[:2], frequencies=(0.5, 0.4))
        write_json(folder / "config.json", {"task": {"attributes": to_dict(config)}})
        with pytest.raises(ValueError, match="of another configuration"):
            AttributeClassifier.load(folder)

    def test_another_network(self, folder):
        write_json(folder / "config.json", {"task": {"segmenter": {}}})
        with pytest.raises(ValueError, match="expected an attribute classifier, got another"):
            AttributeClassifier.load(folder)

    def test_a_configuration_that_cannot_be(self):
        with pytest.raises(ValueError, match="expected one for each of 3 attributes, got 1"):
            resolved(frequencies=(0.5,))
        with pytest.raises(ValueError, match="largest_weight: expected at least 1, got 0.5"):
            resolved(largest_weight=0.5)


class TestStartFrom:
    def test_torchvisions_checkpoint(self, tmp_path):
        torch.manual_seed(1)
        published = torchvision.models.resnet18(weights=None)
        torch.save(published.state_dict(), tmp_path / "resnet18.pth")
        config = resolved(backbone="resnet18", start_from=str(tmp_path / "resnet18.pth"))
        network = AttributesTask(config, Lamps(), Lamps()).build()
        own = network.backbone.state_dict()
        for name, value in published.state_dict().items():
            if not name.startswith("fc."):
                assert torch.equal(own[name], value)
        assert own["fc.weight"].shape == (3, 512)

    def test_a_run_does_not_need_it_any_more(self, folder):
        record = {"task": {"attributes": to_dict(resolved(start_from="gone.pth"))}}
        write_json(folder / "config.json", record)
        assert AttributeClassifier.load(folder).config.start_from == "gone.pth"

    def test_what_is_no_such_checkpoint(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="gone.pth does not exist"):
            build_network(resolved(start_from=str(tmp_path / "gone.pth")))
        (tmp_path / "text.pth").write_text("not a checkpoint")
        with pytest.raises(
            ValueError, match=r"text.pth: expected torchvision's checkpoint of shuf"
        ):
            build_network(resolved(start_from=str(tmp_path / "text.pth")))
        weights = torchvision.models.shufflenet_v2_x0_5(weights=None, num_classes=10).state_dict()
        torch.save(weights, tmp_path / "ten.pth")
        with pytest.raises(ValueError, match="with its 1000 classes"):
            build_network(resolved(start_from=str(tmp_path / "ten.pth")))


class TestThresholds:
    @given(st.floats(0.001, 0.999), st.floats(1.0, 50.0), st.floats(0.001, 0.999))
    def test_the_best_answer_to_an_undecided_image(self, frequency, largest, posterior):
        """The answer that minimises the weighted loss reaches the threshold where the image is at
        least as likely under yes as under no, by brute force over answers."""
        config = AttributesConfig(
            dataset="d",
            attribute_names=("a",),
            frequencies=(frequency,),
            image_size=(8, 8),
            backbone="resnet18",
            largest_weight=largest,
        )
        no, yes = config.answer_weights[0].double()
        answers = torch.linspace(1e-4, 1 - 1e-4, 9999, dtype=torch.float64)
        losses = -posterior * yes * answers.log() - (1 - posterior) * no * (-answers).log1p()
        best = float(answers[losses.argmin()])
        ratio = (posterior / frequency) / ((1 - posterior) / (1 - frequency))
        if abs(best - float(config.thresholds[0])) > 2e-4:
            assert (best > float(config.thresholds[0])) == (ratio > 1)

    def test_one_half_unless_the_largest_weight_bites(self):
        config = resolved(frequencies=(0.5, 0.2, 0.02))
        assert config.thresholds[:2].tolist() == pytest.approx([0.5, 0.5])
        no, yes = 0.5 / 0.98, 10.0
        assert config.answer_weights[2].tolist() == pytest.approx([no, yes])
        assert float(config.thresholds[2]) == pytest.approx(0.2 / (0.2 + 0.5))

    @pytest.mark.parametrize("constant", [0.0, 1.0])
    def test_nothing_is_learned_from_one_answer(self, constant):
        config = resolved(frequencies=(0.5, 0.4, constant))
        assert math.isnan(config.thresholds[2])
        assert config.answer_weights[2].tolist() == [0.0, 0.0]


def test_both_answers_of_an_attribute_weigh_the_same_and_constants_nothing():
    task = AttributesTask(resolved(), Lamps(), Lamps())
    logits = torch.zeros(20, 3, requires_grad=True)
    attributes = torch.stack([Lamps().attributes(index) for index in range(20)])
    batch = {"image": logits, "attributes": attributes}
    loss = task.losses(torch.nn.Identity(), batch)["cross_entropy"]
    loss.backward()
    assert float(loss.detach()) == pytest.approx(math.log(2) * 2 / 3)
    assert logits.grad is not None
    assert logits.grad.sum(0).tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-7)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=30))
def test_balanced_accuracy_is_scikit_learns(pairs):
    from sklearn.metrics import balanced_accuracy_score

    truth, seen = (torch.tensor(column)[:, None] for column in zip(*pairs, strict=True))
    value = float(attributes_training.balanced_accuracy(truth, seen))
    if truth.all() or not truth.any():
        assert math.isnan(value)
    else:
        expected = balanced_accuracy_score(truth[:, 0].numpy(), seen[:, 0].numpy())
        assert value == pytest.approx(expected)


def test_the_batch_depends_on_its_generator_alone_and_keeps_the_data():
    task = AttributesTask(resolved(), Lamps(), Lamps())
    first, again = (task.batch([3, 4], generator(7)) for _ in range(2))
    assert torch.equal(first["image"], again["image"])
    assert not torch.equal(first["image"], task.batch([3, 4], generator(8))["image"])
    assert torch.equal(
        first["attributes"], torch.tensor([[False, False, False], [True, False, False]])
    )
    assert torch.equal(task._examples("train", [3])[0][0], Lamps()[3].image)


def test_some_images_are_mirrored_and_the_others_as_they_were(monkeypatch):
    monkeypatch.setattr(attributes_training, "shift", lambda images, generator: images)
    task = AttributesTask(resolved(), Lamps(), Lamps())
    plain = to_float(images(20))
    batch = task.batch(range(20), generator(0))["image"]
    as_it_was = (batch - plain).abs().mean((1, 2, 3)) < 0.08
    mirrored = (batch - plain.flip(-1)).abs().mean((1, 2, 3)) < 0.08
    assert (as_it_was ^ mirrored).all() and 4 < mirrored.sum() < 16


def test_a_shift_moves_by_a_thirty_second_and_repeats_the_edge():
    column = torch.arange(64.0).expand(40, 3, 32, 64)
    row = torch.arange(32.0)[:, None].expand(40, 3, 32, 64)
    by_column = attributes_training.shift(column, generator(1)) - column
    by_row = attributes_training.shift(row, generator(1)) - row
    cases = ((by_column, by_column[..., 2:-2], 2), (by_row, by_row[:, :, 1:-1], 1))
    for moved, inner, largest in cases:
        assert moved.abs().max() == largest and moved.shape == (40, 3, 32, 64)
        steps = inner.flatten(1)
        assert (steps == steps[:, :1]).all()  # each image moves as a whole
        assert len(steps[:, 0].unique()) == 2 * largest + 1


@examples(80, fast=20)
@given(st.integers(0, 1000))
def test_the_disturbance_is_weak(seed):
    """Mean colour of an image moves by less than a tenth of the range."""
    pictures = to_float(images(2))
    changed = attributes_training.disturb(pictures, generator(seed))
    assert changed.abs().max() <= 1
    assert (changed.mean((2, 3)) - pictures.mean((2, 3))).abs().max() < 0.2
    assert to_uint8(changed).shape == (2, 3, 32, 32)


class TestTrainedByName:
    @pytest.fixture
    def lamps(self, monkeypatch):
        monkeypatch.setattr(
            training_sizes, "image_size_of", lambda name, width, **options: (32, 32)
        )
        monkeypatch.setattr(training_sizes, "native_size_of", lambda name, **options: (32, 32))
        monkeypatch.setattr(train, "open_dataset", lambda name, split, **options: Lamps())
        monkeypatch.setattr(train, "dataset_identity", lambda name, **options: LAMPS)

    def test_a_run_leaves_a_classifier_that_is_found_for_its_dataset(
        self, lamps, tmp_path, monkeypatch
    ):
        monkeypatch.chdir(tmp_path)
        request = train.Request(
            model="attributes", dataset="lamps-25", assignments=("steps=2", "batch_size=4")
        )
        plan, folder = train.plan(request), train.default_out(request)
        loop.train(
            plan.task,
            plan.training,
            folder,
            resume=False,
            progress=Silent(),
            part="attributes",
            dataset=plan.dataset,
            source=plan.source,
        )
        classifier = AttributeClassifier.load(find_run(ATTRIBUTES, LAMPS).folder)
        assert classifier.config == plan.settings.config
        assert classifier.predict(images(2)).shape == (2, 3)

    def test_settings_of_the_network(self, lamps):
        request = train.Request(
            model="attributes", dataset="lamps-25", assignments=("attributes.largest_weight=2",)
        )
        assert train.plan(request).settings.config.largest_weight == 2.0

    def test_a_dataset_without_attributes_is_refused(self, toy):
        request = train.Request(model="attributes", dataset=str(toy.data))
        with pytest.raises(ValueError, match="expected a dataset whose images have yes-or-no"):
            train.plan(request)
