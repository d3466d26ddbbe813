"""Kills by progress, not by the clock: a process says how far it is, a line for each step, and is killed within the step
after one of them. So kills meet a living process on a fast machine, and one that has done something on a slow one.
"""
import time


def run_until_killed(process, steps, moment_s):
    """Kills it so many seconds after its line number `steps` (0: after its start). What it said, in whole lines, and its
    words on stderr, of which there must be few. It may have ended by itself before: process.returncode."""
    said = [process.stdout.readline() for _ in range(steps)]
    time.sleep(moment_s)
    process.kill()
    return _rest(process, said)


def wait_until(good, process):
    """Asks until it is so, or the process has ended."""
    while not good() and process.poll() is None:
        time.sleep(0.005)


def run_to_its_end(process):
    return _rest(process, [])


def _rest(process, said):
    said += process.stdout.readlines()
    words = process.stderr.read()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    return [line for line in said if line.endswith("\n")], words


class Lives:
    """A writer's lives: each of run()'s but the last is killed within one of the first steps that it has before it.

    start(first, last) starts it on these steps, the first of which it may have done unsaid; it says of each that is done
    "NUMBER VERSION MILLISECONDS". `last` steps in all, and more when a life has ended before its kill came: so there are as
    many kills as wanted on any machine."""

    def __init__(self, start, last, dice):
        self.start, self.last, self.dice = start, last, dice
        self.acks, self.kills, self.error, self._step_s = {}, 0, "", 0.02

    def run(self, kills, to_kill=3):
        """`to_kill`: a kill comes after at most so many of a life's steps."""
        for _ in range(20 * (kills + 1)):
            done, last_life = max(self.acks, default=0), self.kills == kills
            self.last = max(self.last, done + (1 if last_life else to_kill + 5))
            process = self.start(done + 1, self.last)
            if last_life:
                lines, words = run_to_its_end(process)
            else:
                lines, words = run_until_killed(process, self.dice.randrange(to_kill + 1), self.dice.random() * self._step_s)
            for seq, version, ms in map(str.split, lines):
                self.acks[int(seq)] = int(version)
                self._step_s = float(ms) / 1000
            if process.returncode == -9:
                self.kills += 1
            elif process.returncode:
                self.error = f"{process.returncode}: {words}"
            if self.error or (last_life and process.returncode == 0):
                return
        self.error = "it is never met alive"
