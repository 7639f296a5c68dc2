"""Cores of machines and containers that are written down as Linux shows them."""

import pytest

from gcdp_bench.core import cores


@pytest.fixture
def linux(tmp_path, monkeypatch):
    """A machine of 8 cores; returns a function that writes its files."""
    monkeypatch.setattr(cores, "all_cores", lambda: 8)
    monkeypatch.setattr(cores, "CGROUPS", tmp_path)
    monkeypatch.setattr(cores, "OWN_GROUPS", tmp_path / "own")

    def write(own, **files):
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            file = tmp_path / name.replace("__", "/").replace("cpu_max", "cpu.max")
            file = file.with_name(file.name.replace("cfs", "cpu.cfs"))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    return write


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1)],
)
def test_a_quota_of_version_2(linux, quota, expected):
    linux("0::/a/b\n", a__b__cpu_max=quota)
    assert cores.usable_cores() == expected


def test_the_smallest_quota_of_a_group_and_those_above_it_holds(linux):
    linux("0::/a/b\n", a__b__cpu_max="max 100000", a__cpu_max="300000 100000")
    assert cores.usable_cores() == 3


def test_a_containers_own_group_is_mounted_as_the_root(linux):
    linux("0::/somewhere/on/the/host\n", cpu_max="400000 100000")
    assert cores.usable_cores() == 4


@pytest.mark.parametrize(("quota", "expected"), [("-1", 8), ("250000", 3)])
def test_a_quota_of_version_1(linux, quota, expected):
    linux(
        "5:memory:/x\n4:cpu,cpuacct:/x\n0::/\n",
        cpu__x__cfs_quota_us=quota,
        cpu__x__cfs_period_us="100000",
    )
    assert cores.usable_cores() == expected


@pytest.mark.parametrize("own", ["", "nonsense", "0::/../../etc\n"])
def test_without_readable_groups_all_cores_count(linux, own, monkeypatch):
    linux(own)
    assert cores.usable_cores() == 8
    monkeypatch.setattr(cores, "OWN_GROUPS", cores.OWN_GROUPS / "none")
    assert cores.usable_cores() == 8


def test_what_the_user_chose_is_kept(linux, monkeypatch):
    linux("0::/\n", cpu_max="200000 100000")
    for given, expected in ((None, ("PASSIVE", "2")), ("x", ("x", "x"))):
        for name in ("OMP_WAIT_POLICY", "OMP_NUM_THREADS"):
            monkeypatch.delenv(name, raising=False)
            if given is not None:
                monkeypatch.setenv(name, given)
        cores.share_cores()
        found = tuple(map(cores.os.environ.get, ("OMP_WAIT_POLICY", "OMP_NUM_THREADS")))
        assert found == expected
