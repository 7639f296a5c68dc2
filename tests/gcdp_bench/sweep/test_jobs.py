"""Jobs of one process: each once, those of others last in their stage."""

from gcdp_bench.sweep.jobs import Draw, InProcess, Measure, Score, once

FIRST, SECOND, THIRD = (Measure("imagen", guidance, 0, 4) for guidance in (1.0, 2.0, 4.0))


class Doing:
    """Does jobs, except those that another process does until it is waited for."""

    def __init__(self, path, elsewhere=()):
        self.path, self.elsewhere, self.calls = path, elsewhere, []

    def __call__(self, job, *, wait):
        self.calls.append((job, wait))
        return None if job in self.elsewhere and not wait else self.path


def test_a_job_that_chains_share_is_done_once(tmp_path):
    do = Doing(tmp_path)
    InProcess().run([iter([[FIRST], [SECOND]]), iter([[FIRST, THIRD]])], do)
    assert do.calls == [(FIRST, False), (SECOND, False), (THIRD, False)]


def test_what_another_process_does_is_waited_for_within_its_stage(tmp_path):
    do = Doing(tmp_path, elsewhere=(FIRST,))
    InProcess().run([iter([[FIRST, SECOND], [THIRD]])], do)
    assert do.calls == [(FIRST, False), (SECOND, False), (FIRST, True), (THIRD, False)]


def test_names_and_sizes():
    draw = Draw("imagen", 1.5, 2, 100, 164)
    assert draw.num_images == 64
    assert str(draw) == "samples 100 to 163 of imagen, guidance 1.5, seed 2"
    assert str(Score("imagen", 1.0, 2, 4)) == "scores of imagen, guidance 1, seed 2"
    assert list(once(FIRST, SECOND)) == [(FIRST, SECOND)]
