"""The disks that a power cut may leave, from a trace of what a program did to a folder (tests/tools/disktrace.c).

The model is that of POSIX at its strictest. Bytes are safe once their file was fsynced; a name (made, linked, renamed,
removed) once its folder was. What is not safe may be there or not, in any order: bytes may be missing, or cut off, or
zeros in a file of the right length; of the names any subset may have come to be. A rename is one step."""
import itertools
import os
import random


class File:
    """An inode: its bytes by the steps of the trace."""

    def __init__(self, content=b""):
        self.steps = [(-1, content)]  # (step, all bytes behind it)
        self.safe = [-1]              # steps of fsync

    def now(self):
        return self.steps[-1][1]

    def at(self, step):
        return next(content for n, content in reversed(self.steps) if n <= step)

    def variants(self, step):
        """What may be found in it when the power goes right behind that step: [0] is all, [1] what is safe."""
        safe = self.at(max(n for n in self.safe if n <= step))
        full = self.at(step)
        if safe == full:
            return [full] * 5
        half = len(full) // 2
        return [full, safe, safe + bytes(max(0, len(full) - len(safe))), full[:half], full[:half] + bytes(len(full) - half)]


class Trace:
    """A folder as it was, and what was done to it."""

    def __init__(self, root, lines):
        self.root = str(root)
        self.files, self.names, self.said = [], {}, []  # names: path -> File or None (a folder)
        self.changes = []  # (step, folder, {path: File, None = folder, "gone"})
        self.synced = []   # (step, folder)
        self.inodes = {}
        for folder, folders, files in os.walk(self.root):
            for name in folders:
                self.names[os.path.join(folder, name)] = None
            for name in files:
                path = os.path.join(folder, name)
                with open(path, "rb") as f:
                    file = self.names[path] = File(f.read())
                self.inodes[os.stat(path).st_ino] = file
                self.files.append(file)
        self.before = dict(self.names)
        self.steps = 0
        for line in lines:
            self.take(line.split())

    def change(self, what):
        for folder in {os.path.dirname(path) for path in what}:
            self.changes.append((self.steps, folder, {p: v for p, v in what.items() if os.path.dirname(p) == folder}))
        for path, value in what.items():
            if value == "gone":
                self.names.pop(path, None)
            else:
                self.names[path] = value

    def take(self, words):
        verb = words[0]
        if verb == "create":
            file = self.inodes[int(words[1])] = File()
            self.files.append(file)
            self.change({words[2]: file})
        elif verb == "write":
            file, at, data = self.inodes[int(words[1])], int(words[2]), bytes.fromhex(words[3])
            old = file.now()
            file.steps.append((self.steps, (old + bytes(max(0, at - len(old))))[:at] + data + old[at + len(data):]))
        elif verb == "trunc":
            file, n = self.inodes[int(words[1])], int(words[2])
            file.steps.append((self.steps, file.now()[:n] + bytes(max(0, n - len(file.now())))))
        elif verb == "fsync":
            self.inodes[int(words[1])].safe.append(self.steps)
        elif verb == "fsyncdir":
            self.synced.append((self.steps, words[1]))
        elif verb == "link":
            self.change({words[2]: self.names[words[1]]})
        elif verb == "rename":
            moved = {words[1]: "gone", words[2]: self.names[words[1]]}
            if self.names[words[1]] is None:
                below = words[1] + "/"
                for path in [p for p in self.names if p.startswith(below)]:
                    moved[path], moved[words[2] + "/" + path[len(below):]] = "gone", self.names[path]
            self.change(moved)
        elif verb in ("unlink", "rmdir"):
            self.change({words[1]: "gone"})
        elif verb == "mkdir":
            self.change({words[1]: None})
        elif verb == "say":
            self.said.append((self.steps, bytes.fromhex(words[1]).decode()))
        else:
            raise AssertionError(words)
        self.steps += 1

    def names_at(self, step):
        """What is safe of the names, and the changes to them that may have come to be or not."""
        names, pending = dict(self.before), []
        for n, folder, what in self.changes:
            if n > step:
                break
            if any(n < m <= step and d == folder for m, d in self.synced):
                apply(names, what)
            else:
                pending.append(what)
        return names, pending

    def loose(self, step):
        """Files of which not every byte is safe."""
        return [f for f in self.files if f.variants(step)[0] != f.variants(step)[1]]

    def disk(self, step, names, changes, way):
        """With these changes, and of the files in `way` that variant: {path: bytes or None}."""
        disk = dict(names)
        for what in changes:
            apply(disk, what)
        state = {path: file and file.variants(step)[way.get(file, 0)] for path, file in disk.items()}
        return {path: c for path, c in state.items() if reachable(state, path, self.root)}

    def any_cut(self, step, dice):
        """One disk, drawn by lot: changes up to some point, one alone, all but one, or any; files all in the same way, or each in
        its own."""
        names, pending = self.names_at(step)
        loose, k = self.loose(step), len(pending)
        n = dice.randrange(k + 1)
        changes = dice.choice([pending[:n], pending[n:n + 1], pending[:n] + pending[n + 1:], pending, [c for c in pending if dice.random() < .5]])
        same = dice.randrange(5)
        return self.disk(step, names, changes, {f: same if dice.random() < .5 else dice.randrange(5) for f in loose})

    def cut(self, step, dice, more=4):
        """Every disk that we try for a power cut right behind that step, without repeats."""
        seen = set()
        names, pending = self.names_at(step)
        k = len(pending)
        subsets = {frozenset(range(n)) for n in range(k + 1)}            # prefixes
        subsets |= {frozenset([n]) for n in range(k)}                    # one alone
        subsets |= {frozenset(range(k)) - {n} for n in range(k)}         # all but one
        subsets |= {frozenset(n for n in range(k) if dice.random() < .5) for _ in range(more)}
        loose = self.loose(step)
        for subset in sorted(subsets, key=sorted):
            # All files in the same way, and each alone in each way while the others are whole.
            ways = [dict.fromkeys(loose, v) for v in range(5)]
            ways += [{f: v} for f, v in itertools.product(loose, range(1, 5))] if len(loose) > 1 else []
            for way in ways:
                state = self.disk(step, names, [pending[n] for n in sorted(subset)], way)
                key = tuple(sorted((p, c and hash(c)) for p, c in state.items()))
                if key not in seen:
                    seen.add(key)
                    yield state

    def said_before(self, step):
        return "".join(text for n, text in self.said if n <= step)


def apply(names, what):
    for path, value in what.items():
        if value == "gone":
            names.pop(path, None)
        else:
            names[path] = value


def reachable(state, path, root):
    folder = os.path.dirname(path)
    return folder == root or (folder in state and reachable(state, folder, root))


def lay_out(state, root, target):
    """The state of `root` as files below `target`."""
    os.makedirs(target)
    for path, content in sorted(state.items()):
        at = os.path.join(target, os.path.relpath(path, root))
        if content is None:
            os.makedirs(at, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(at), exist_ok=True)
            with open(at, "wb") as f:
                f.write(content)


def dice(seed):
    return random.Random(seed)
