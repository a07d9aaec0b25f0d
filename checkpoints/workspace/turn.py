"""What a turn did: the difference between what it began with and what there is now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain

from ml_intern.checkpoints.workspace.look import Put, digest_of
from ml_intern.checkpoints.workspace.records import Change, Held
from ml_intern.checkpoints.workspace.scan import Scanned
from ml_intern.checkpoints.workspace.states import Absent, File, Reason, State, Unknown
from ml_intern.checkpoints.workspace.tree import Tree, ancestors, hidden

Look = Callable[[str, Put], State]
"""What a path is now, whether the tree has it or not."""


def differences(held: Iterable[Held], scanned: Scanned, look: Look, put: Put) -> Iterator[Change]:
    """What changed, of all that was put aside since the turn began."""
    known = {item.path: item for item in held}
    for item in known.values():
        before = _before(item, known)
        after = _after(item, before, scanned.tree, look, put)
        if before != after and not _unseen_before(before, after):
            yield Change(item.path, before, after)
    if reason := _unseen(scanned):
        yield Change("", Unknown(reason), Unknown(reason))


def _unseen_before(before: State, after: State) -> bool:
    """Whether it may well be unchanged: another session had the folder scanned anew."""
    hidden_then = isinstance(before, Unknown) and not before.mark
    return hidden_then and not isinstance(after, Unknown | Absent)


def _unseen(scanned: Scanned) -> Reason | None:
    """Why there may be changes that nobody saw."""
    root = scanned.tree[""].state
    if isinstance(root, Unknown):
        return root.reason
    return Reason.MANY if scanned.overflow else None


def _before(item: Held, known: Mapping[str, Held]) -> State:
    """What it was; unknown if its folder was not entered then, though another session did since."""
    if item.kept:
        return item.state
    for folder in ancestors(item.path):
        outer = known.get(folder)
        if outer and isinstance(outer.state, Unknown) and not outer.kept:
            return Unknown(outer.state.reason)
    return item.state


def _after(item: Held, before: State, tree: Tree, look: Look, put: Put) -> State:
    entry = tree.get(item.path)
    if entry and not isinstance(entry.state, Unknown):
        return entry.state
    if item.kept or (entry is None and hidden(tree, item.path)):
        return look(item.path, put)
    if entry and isinstance(before, File):
        # No longer covered; if it is what it was, nothing needs to be stored to say so.
        same = look(item.path, digest_of) == before
        return before if same else entry.state
    return entry.state if entry else Absent()


def doubtful(changes: Iterable[Change]) -> list[Change]:
    """Changes of a turn that was cut off: nobody knows which of them are the user's, made since."""
    return [Change(path, before, Unknown(Reason.CUT_OFF)) for path, before, _ in changes]


def merged(earlier: Iterable[Change], later: Iterable[Change]) -> list[Change]:
    """Two runs of one turn as one. A path changed by others in between is given up."""
    found: dict[str, Change] = {}
    for change in chain(earlier, later):
        first = found.get(change.path)
        if first is None:
            found[change.path] = change
        elif first.after == change.before:
            found[change.path] = Change(change.path, first.before, change.after)
        else:
            found[change.path] = Change(change.path, Unknown(Reason.GAP), Unknown(Reason.GAP))
    return [change for change in found.values() if change.before != change.after or _open(change)]


def _open(change: Change) -> bool:
    return isinstance(change.before, Unknown)
