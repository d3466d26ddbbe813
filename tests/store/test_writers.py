"""Several processes commit to one remote table and are killed at random: every commit that was acknowledged is there, once,
versions are dense, and every file that the table names can be read. Behind a network that loses answers, too.
"""
import os
import random
import threading

import pytest

import killing
import proxy as p
from writers import Table

WRITERS, COMMITS = 3, 8
SEED = int(os.environ.get("CUPEL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)



def acknowledged_by(name, out):
    lines = [line.split() for line in out.splitlines(keepends=True) if line.endswith("\n")]
    return {(f"writer-{name}", int(seq)): int(version) for seq, version, _ in lines}


def test_writers_that_are_killed(remote, tmp_path):
    print(f"seed {SEED}")
    table = Table(remote, tmp_path)
    lives = {f"w{n}": killing.Lives(lambda *steps, name=f"w{n}": table.start_writer(remote.uri, {}, name, *steps), COMMITS,
                                    random.Random(SEED + n)) for n in range(WRITERS)}
    threads = [threading.Thread(target=w.run, args=(3,)) for w in lives.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not [w.error for w in lives.values() if w.error]
    table.check({(f"writer-{name}", seq): version for name, w in lives.items() for seq, version in w.acks.items()},
                {name: w.last for name, w in lives.items()})


@pytest.mark.parametrize("fault", [p.LOST_ANSWER])
def test_writers_behind_a_bad_network(faulty, tmp_path, fault):
    table, acknowledged = Table(faulty.direct, tmp_path), {}
    count, lock = [0], threading.Lock()

    def each_seventh(method, path):
        with lock:
            count[0] += 1
            return count[0] % 7 == 0
    faulty.proxy.plan(fault, None, each_seventh)
    writers = [table.start_writer(faulty.uri, faulty.env, f"w{n}", 1, COMMITS) for n in range(WRITERS)]
    for n, writer in enumerate(writers):
        out, words = writer.communicate(timeout=120)
        assert writer.returncode == 0, words
        acknowledged.update(acknowledged_by(f"w{n}", out))
    assert len(acknowledged) == WRITERS * COMMITS and count[0] > 50
    table.check(acknowledged, {f"w{n}": COMMITS for n in range(WRITERS)})
