"""Unknown names are refused before anything heavy is imported, with the nearest known one."""

import pytest

from gcdp_bench.generators.registry import NETWORKS, check_training
from tests.commands import ended, in_forks
from tests.once import build_once

REFUSALS = {
    "train refrence --dataset synth-city-25": "unknown model to train 'refrence'; did you mean",
    "train reference --dataset synth-city-26": "unknown dataset (or folder) 'synth-city-26'; did",
    "train reference --dataset synth-city-25 --preset tinny": "unknown preset 'tinny'; did you",
    "train ldm --dataset synth-city-25 --preset small": "unknown ldm preset 'small'; known: tiny",
    "train ldm --dataset synth-city-25 --stage sr": "--stage: ldm has no stages",
    "train reference --dataset synth-city-25 --stage top": "'top' is not one of 'base', 'sr'",
    "sample refrence --dataset synth-city-25 --out x": "unknown generator 'refrence'; did you",
    "sample reference --dataset synth-cty-25 --out x": "unknown dataset (or folder)",
    "sample reference --dataset synth-city-25 --out x --solver euler": "'euler' is not one of",
    "sample reference --dataset synth-city-25 --out x --sampler euler": "'euler' is not one of",
    "sweep --guidance-interval 5": "expected LOW:HIGH with noise levels 0 <= LOW < HIGH",
    "outpaint --dataset x --out y --caption z": "unknown dataset (or folder) 'x'",
    "outpaint --dataset synth-city-25 --model x --out y": "unknown generator 'x'",
    "evaluate x --dataset y": "unknown dataset (or folder) 'y'",
    "evaluate x --dataset synth-city-25 --features hrnett": "got hrnett; did you mean 'hrnet'?",
    "evaluate x --dataset synth-city-25 --extractors big": "'big' is not one of 'pretrained'",
    "evaluate x --dataset synth-city-25 --segmenter hrnet-w48-cityscape": "did you mean 'hrnet-w4",
    "evaluate x --dataset synth-city-25": "x: expected a folder of samples (images/,",
    "memorisation x --dataset synth-city-25": "x: expected a folder of samples (images/, captions",
    "evaluate --explain recall": "unknown metric 'recall'",
    "sweep --dataset y": "unknown dataset (or folder) 'y'",
    "sweep --dataset synth-city-25 --models reference,imagin": "'imagin'; did you mean 'imagen'",
    "sweep --dataset synth-city-25 --features hrnet,cmd": "got cmd; did you mean 'cmmd'?",
    "sweep --dataset synth-city-25 --protocol own": "'own' is not one of 'heldout'",
    "sweep --dataset synth-city-25 --task x": "'x' is not one of 'text-to-image'",
    "report x --only modell=reference": "--only: expected FIELD=VALUE with a column",
    "report x --table 2": "'2' is not '1'",
    "memorisation x --dataset y": "unknown dataset (or folder) 'y'",
    "analyze features --dataset y": "unknown dataset (or folder) 'y'",
    "analyze features --dataset synth-city-25 --model refrence": "unknown generator 'refrence'",
    "analyze features --dataset synth-city-25 --against x": "unknown generator 'x'",
    "analyze outpainting --dataset y": "unknown dataset (or folder) 'y'",
    "analyze outpainting --dataset synth-city-25 --model x": "unknown generator 'x'",
    "analyze schedules . --dataset y": "unknown dataset (or folder) 'y'",
    "analyze scheduls": "No such command 'scheduls'",
    "data check synth-cty": "unknown dataset (or folder) 'synth-cty'; did you mean 'synth-city'?",
    "data stats celeba": "unknown dataset (or folder) 'celeba'",
    "data subset x --out y": "unknown dataset (or folder) 'x'",
    "data prepare x": "unknown dataset (or folder) 'x'",
    "weights add t5-larg --download": "unknown weights 't5-larg'; did you mean 't5-large'?",
    "weights verify dinov2": "unknown weights 'dinov2'",
    "sweep --dataset synth-city-25 --weights nope=x": "expected weights of reference, imagen, got",
    "report nowhere": "nowhere: expected the results of a sweep, found none; run",
    "compare a b": "a: expected the results of a sweep, found none; run",
    "analyze classes nowhere": "nowhere: expected the results of a sweep, found none",
    "analyze attributes nowhere": "nowhere: expected the results of a sweep, found none",
    "analyze scarcity nowhere": "nowhere: expected the results of a sweep, found none",
    "sweeep": "No such command 'sweeep'. Did you mean 'sweep'?",
}


NOTHING_HEAVY = """
heavy = {"torch", "transformers", "matplotlib", "scipy"} & sys.modules.keys()
assert not heavy, heavy
"""


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    """Command -> how it ended."""

    def refuse(folder):
        in_forks(folder, [command.split() for command in REFUSALS], after=NOTHING_HEAVY)

    folder = build_once(tmp_path_factory, "refusals", refuse)
    return {command: ended(folder, index) for index, command in enumerate(REFUSALS)}


@pytest.mark.parametrize("command", REFUSALS)
def test_an_unknown_name_is_refused_without_torch(command, refusals):
    assert refusals[command].code in (1, 2), refusals[command]
    assert REFUSALS[command] in refusals[command].stderr


def test_presets_are_those_of_the_tables():
    for name, network in NETWORKS.items():
        assert network.name == name and network.training is not None
        assert network.presets == tuple(network.training().presets), name
        assert check_training(name, "tiny") is network
