"""Links in notes: a note names runs by their uids, and the store's own addresses are put in when it is delivered.

``[trial 3](run:UID)``                     the page of a run
``![history](image:figures/a.png)``        a picture among the files of the note's own run
``[history](artifact:figures/a.png)``      the page that shows such a file
``[all](children:val_loss:minimize)``      the runs under it, the best by a metric first
``[the best](compare:UID,UID)``            runs side by side
``[trials](view:KEY)``                     the table of runs in a view that was kept

All are relative, so they hold on any address at which the store is shown.
"""

import json
import re
from collections.abc import Callable
from urllib.parse import quote

from nnops.tracking.ui import children_link, compare_link, run_link, runs_link, view_link

_LINK = re.compile(r"(?<!\\)\]\((run|artifact|image|children|compare|view):([^)\s]+)\)")


def uids_of(markdown: str) -> set[str]:
    """The uids of the runs that a note links to.

    >>> sorted(uids_of("[a](run:s/1) and [b](compare:s/1,s/2)"))
    ['s/1', 's/2']
    """
    named: set[str] = set()
    for kind, target in _LINK.findall(markdown):
        if kind in ("run", "compare"):
            named.update(target.split(","))
    return named


def resolve(markdown: str, experiment_id: str, run_id: str, find: Callable[[str], str | None]) -> str:
    """A note with its links as the UI reads them.

    Args:
        markdown: The note.
        experiment_id: The store's id of the experiment.
        run_id: Of the note's own run.
        find: The run id of a uid, or None where it has not arrived yet; the link is then a search for it.
    """

    def replace(match: re.Match[str]) -> str:
        kind, target = match.groups()
        if kind == "image":
            return f"](get-artifact?path={quote(target, safe='')}&run_uuid={run_id})"
        if kind == "artifact":
            return f"](#/experiments/{experiment_id}/runs/{run_id}/artifacts/{quote(target)})"
        if kind == "children":
            metric, _, direction = target.rpartition(":")
            return f"]({_bare(children_link('', experiment_id, run_id, metric, direction))})"
        if kind == "view":
            return f"]({_bare(view_link('', experiment_id, target))})"
        found = [find(uid) for uid in target.split(",")]
        if kind == "compare":
            known = [each for each in found if each is not None]
            return f"]({_bare(compare_link('', experiment_id, known))})"
        if found[0] is not None:
            return f"]({_bare(run_link('', experiment_id, found[0]))})"
        search = quote(f"tags.`nnops.uid`={json.dumps(target)}", safe="")
        return f"]({_bare(runs_link('', experiment_id))}&searchFilter={search})"

    return _LINK.sub(replace, markdown)


def _bare(link: str) -> str:
    """A link inside the UI, and closed to Markdown, which ends one at a parenthesis."""
    return link.removeprefix("/").replace("(", "%28").replace(")", "%29")
