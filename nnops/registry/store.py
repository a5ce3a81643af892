"""The registry on MLflow: versions of bundles, the aliases champion and challenger, promotion and the way back.

A version's MLflow model is an MLmodel file beside the bundle, so ``mlflow.pyfunc.load_model("models:/NAME@champion")``
works wherever nnops is installed. The history of champions stands in a tag of the registered model.
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nnops.catalog import unknown
from nnops.errors import GateError, InputError, IntegrityError
from nnops.params import Params
from nnops.registry import version as tag
from nnops.registry.bundle import MANIFEST, Bundle
from nnops.registry.gate import Verdict
from nnops.registry.mlmodel import FOLDER, describe, write_mlmodel
from nnops.registry.version import CHALLENGER, CHAMPION, Model, Reference, Version
from nnops.tracking.border import border, configure
from nnops.tracking.database import is_absent
from nnops.tracking.reach import check_reachable

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from nnops.tracking.mlflow import Store

#: Seconds that MLflow waits for one answer of a server that is alive.
PATIENCE_S = 20


@dataclass(frozen=True)
class Published:
    """What became of a bundle.

    Attributes:
        version: As it now stands.
        created: False where the registry had this very bundle already.
        note: One sentence: champion, or why not.
    """

    version: Version
    created: bool
    note: str


class Registry:
    """The models of a project's MLflow store.

    Args:
        params: ``tracking`` says where the store is.
        root: The project's folder.

    Raises:
        TrackingError: The store does not answer.
    """

    def __init__(self, params: Params, root: Path) -> None:
        from nnops.tracking.address import store_uri

        self.root, self._experiment = root, params.tracking.experiment
        self.uri = store_uri(params, root)
        check_reachable(self.uri)
        configure(PATIENCE_S, retries=1)

    @cached_property
    def _store(self) -> "Store":
        """Made by what is put down, not by being read."""
        from nnops.tracking.mlflow import Store

        return Store(self.uri, self._experiment, self.root)

    def names(self) -> list[str]:
        """Names of the registered models, sorted."""
        if is_absent(self.uri):
            return []
        with border("listing models"):
            return sorted(model.name for model in _all(self._client.search_registered_models))

    def model(self, name: str) -> Model:
        """A registered model with all of its versions.

        Raises:
            InputError: There is no such model; the message holds the nearest name.
        """
        found = self._find(name)
        if found is None:
            raise InputError(f"{unknown('model', name, self.names())} Models are made by 'dvc repro'.")
        return found

    def find(self, reference: str) -> Version:
        """The version that ``NAME@ALIAS``, ``NAME/NUMBER`` or ``NAME`` (its champion) means.

        Raises:
            InputError: No such model, alias or version; the message names what there is.
        """
        parsed = Reference.parse(reference)
        return self.model(parsed.name).find(parsed)

    def publish(
        self,
        bundle: Bundle,
        verdict: Verdict,
        uid: str,
        tags: Mapping[str, str] | None = None,
        files: Sequence[Path] = (),
    ) -> Published:
        """Put a bundle in the registry as ``challenger``, and make it ``champion`` where the gate lets it through.

        A bundle that is there already gets no second version, unless what is there is damaged. A version that was
        rolled back becomes champion again only by :meth:`promote`.

        Args:
            bundle: The bundle.
            verdict: What the gate said of it; kept with the version.
            uid: The fingerprint of the pipeline result, by which its MLflow run is found.
            tags: Further tags of the version, such as the git commit.
            files: What is kept beside the bundle, such as its card.
        """
        model = self._find(bundle.name)
        same = [v for v in model.versions if v.tags.get(tag.BUNDLE) == bundle.hash and self._sound(v)] if model else []
        judged = {
            tag.GATE: "passed" if verdict.passed else "refused",
            tag.VERDICT: json.dumps(verdict.to_json(), sort_keys=True),
        }
        if same:
            version = same[0]
            for key, value in judged.items():
                self._tag(version, key, value)
        else:
            fixed = {tag.BUNDLE: bundle.hash, tag.VARIANT: bundle.variant, tag.UID: uid}
            version = self._create(bundle, verdict, uid, {**(tags or {}), **judged, **fixed}, files)
            self._point(bundle.name, CHALLENGER, version.number)
        version = self.find(version.reference)
        if not verdict.passed:
            stays = f"; it stays {CHAMPION} from before, 'nnops model rollback {bundle.name}' takes it back"
            kept = stays if CHAMPION in version.aliases else ""
            return Published(version, not same, f"not promoted: {verdict.summary}{kept}")
        if version.rolled_back:
            return Published(
                version, not same, f"not promoted: it was rolled back; 'nnops model promote {version.reference}'"
            )
        return Published(self.promote(version.reference), not same, f"promoted to {CHAMPION}: {verdict.summary}")

    def promote(self, reference: str) -> Version:
        """Make a version champion.

        Raises:
            InputError: No such version.
            GateError: The gate did not let it through.
            IntegrityError: Its bundle is damaged.
        """
        version = self.find(reference)
        if not version.passed:
            raise GateError(f"{version.reference} cannot become {CHAMPION}: {_reason(version)}.")
        self.fetch(version)
        model = self.model(version.name)
        if model.aliases.get(CHAMPION) != version.number:
            self._crown(model, (*model.champions, version.number))
        if version.rolled_back:
            with border("promoting a version"):
                self._client.delete_model_version_tag(version.name, str(version.number), tag.ROLLED_BACK)
        return self.find(version.reference)

    def rollback(self, name: str) -> Version:
        """Make the champion before the present one champion again.

        Raises:
            InputError: No such model, or no champion before.
            IntegrityError: The bundle of the champion before is damaged.
        """
        model = self.model(name)
        numbers = {version.number for version in model.versions}
        present = model.aliases.get(CHAMPION)
        before = tuple(number for number in model.champions if number in numbers and number != present)
        if not before:
            raise InputError(f"model '{name}' has no {CHAMPION} before the present one to go back to.")
        self.fetch(self.find(f"{name}/{before[-1]}"))
        if present is not None:
            self._tag(model.find(Reference(name)), tag.ROLLED_BACK, "true")
        self._crown(model, before)
        return self.find(f"{name}@{CHAMPION}")

    def fetch(self, version: Version) -> Bundle:
        """The bundle of a version, every hash checked; copied into ``.nnops/bundles`` where it is not on this machine.

        Raises:
            InputError: The version holds no bundle.
            IntegrityError: A file is damaged.
        """
        from mlflow.artifacts import download_artifacts
        from mlflow.utils.file_utils import local_file_uri_to_path
        from mlflow.utils.uri import is_local_uri

        if tag.BUNDLE not in version.tags:
            raise InputError(f"{version.reference} was not made by nnops and holds no bundle.")
        with border(f"finding {version.reference}"):
            address = self._client.get_model_version_download_uri(version.name, str(version.number))
        if is_local_uri(address):
            return Bundle.open(Path(local_file_uri_to_path(address)) / FOLDER)
        kept = self.root / ".nnops" / "bundles" / version.tags[tag.BUNDLE]
        if (kept / MANIFEST).exists():
            with contextlib.suppress(IntegrityError):  # A copy that was damaged here is taken anew.
                return Bundle.open(kept)
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as part, border(f"taking {version.reference}"):
            taken = download_artifacts(f"{address.rstrip('/')}/{FOLDER}", dst_path=part, tracking_uri=self.uri)
            shutil.rmtree(kept, ignore_errors=True)
            Path(taken).rename(kept)
        return Bundle.open(kept)

    def tag(self, version: Version, tags: Mapping[str, str]) -> None:
        """Set tags of a version."""
        for key, value in tags.items():
            self._tag(version, key, value)

    def _sound(self, version: Version) -> bool:
        try:
            self.fetch(version)
        except IntegrityError:
            return False
        return True

    @property
    def _client(self) -> "MlflowClient":
        return self._store.client

    def _find(self, name: str) -> Model | None:
        from mlflow.exceptions import MlflowException

        if is_absent(self.uri):
            return None
        with border(f"reading model '{name}'"):
            try:
                registered = self._client.get_registered_model(name)
            except MlflowException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return None
                raise
            found = _all(self._client.search_model_versions, filter_string=f"name='{name}'")
        aliases = {alias: int(number) for alias, number in registered.aliases.items()}
        versions = [_version(entry, aliases) for entry in found]
        champions = tuple(int(number) for number in registered.tags.get(tag.CHAMPIONS, "").split(",") if number)
        return Model(name, aliases, tuple(sorted(versions, key=lambda v: -v.number)), champions)

    def _create(
        self, bundle: Bundle, verdict: Verdict, uid: str, tags: Mapping[str, str], files: Sequence[Path]
    ) -> Version:
        """Send the bundle with its MLmodel file and what is kept beside it, and make a version of it."""
        from mlflow.entities import LoggedModelOutput, LoggedModelStatus
        from mlflow.exceptions import MlflowException

        client, run_id = self._client, self._store.find(uid)
        with border(f"registering {bundle.name}"), _address(self.uri), tempfile.TemporaryDirectory() as folder:
            logged = client.create_logged_model(
                self._store.experiment_id, bundle.name, run_id, dict(tags), {"variant": bundle.variant}
            )
            write_mlmodel(Path(folder), bundle, logged)
            for path in files:
                shutil.copyfile(path, Path(folder) / path.name)
            client.log_model_artifacts(logged.model_id, folder)
            client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
            if run_id is not None:
                client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
            try:
                client.create_registered_model(bundle.name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            made = client.create_model_version(
                bundle.name,
                source=f"models:/{logged.model_id}",
                run_id=run_id,
                tags=dict(tags),
                description=describe(bundle, verdict),
                model_id=logged.model_id,
            )
        return _version(made, {})

    def _crown(self, model: Model, champions: tuple[int, ...]) -> None:
        """Move the alias, after the history says so; a challenger that wins is a challenger no more."""
        with border("moving an alias"):
            history = ",".join(str(number) for number in champions[-100:])
            self._client.set_registered_model_tag(model.name, tag.CHAMPIONS, history)
            self._point(model.name, CHAMPION, champions[-1])
            if model.aliases.get(CHALLENGER) == champions[-1]:
                self._client.delete_registered_model_alias(model.name, CHALLENGER)

    def _point(self, name: str, alias: str, number: int) -> None:
        with border("moving an alias"):
            self._client.set_registered_model_alias(name, alias, str(number))

    def _tag(self, version: Version, key: str, value: str) -> None:
        if version.tags.get(key) != value:
            with border("tagging a version"):
                self._client.set_model_version_tag(version.name, str(version.number), key, value)


def open_bundle(reference: str, params: Params, root: Path) -> Bundle:
    """The bundle that a user names: a folder, or a version in the registry.

    Args:
        reference: A bundle's folder, ``NAME@ALIAS``, ``NAME/NUMBER`` or ``NAME`` (its champion).
        params: ``tracking`` says where the registry is.
        root: The project's folder.

    Raises:
        InputError: No such folder, model, alias or version.
        IntegrityError: A file of the bundle is damaged.
        TrackingError: The registry does not answer.
    """
    path = Path(reference)
    if (path / MANIFEST).exists() or reference.startswith((".", "/", "~")) or reference.count("/") > 1:
        return Bundle.open(path.expanduser())
    Reference.parse(reference)
    registry = Registry(params, root)
    return registry.fetch(registry.find(reference))


def _reason(version: Version) -> str:
    """Why a version may not become champion, without the full stop."""
    if tag.VERDICT not in version.tags:
        return "no gate has judged it; 'dvc repro' registers models with a verdict"
    failed = [result for result in json.loads(version.tags[tag.VERDICT])["results"] if not result["passed"]]
    shown = ", ".join(f"'{result['condition']}' (is {result['value']})" for result in failed)
    return f"the gate refused it, since these conditions do not hold: {shown}"


def _version(entry: Any, aliases: Mapping[str, int]) -> Version:
    number = int(entry.version)
    own = tuple(sorted(alias for alias, target in aliases.items() if target == number))
    return Version(entry.name, number, own, dict(entry.tags), entry.run_id or "", entry.creation_timestamp or 0)


def _all(search: Any, **arguments: Any) -> list[Any]:
    """All pages of a search."""
    found: list[Any] = []
    token: str | None = None
    while True:
        page = search(page_token=token, **arguments)
        found += page
        token = page.token
        if not token:
            return found


@contextlib.contextmanager
def _address(uri: str) -> Iterator[None]:
    """MLflow's process-wide address for a while: its SQL registry looks models up there, whatever client asked."""
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(cast(str, before))
