"""Twenty trainings killed by SIGKILL, some while they write a checkpoint; every one goes on bit for bit."""

import random

import pytest
from kills import MOMENTS, kills, table
from resumable import FAMILIES


@pytest.mark.slow
@pytest.mark.parametrize('family', FAMILIES)
def test_every_killed_run_ends_as_the_uninterrupted_one(tmp_path, family):
    rows = list(kills(FAMILIES[family], tmp_path, 4, random.Random(family), family))
    print(table(rows))
    assert len(rows) == 4 and [row for row in rows if row.gap is not None] == []
    assert sum(any(moment in row.moment for moment in MOMENTS) for row in rows) == 2
