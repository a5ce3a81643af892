"""The file: params.yaml read and written, comments and order kept."""

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nnops.errors import ParamsError
from nnops.files import write_bytes
from nnops.params.dotted import names_first, overlay, parse_set, set_dotted
from nnops.params.plain import is_dict, is_list, plain
from nnops.params.whole import Params, parse

FILE = Path("params.yaml")


def load(path: Path = FILE, sets: Iterable[str] = ()) -> Params:
    """Read params.yaml and lay ``--set dotted.key=value`` over it.

    Raises:
        ParamsError: No such file, not YAML, an unknown key, a wrong value.
    """
    return overlay(parse(plain(_read(path), "")), dict(parse_set(text) for text in sets))


def write(path: Path, config: Mapping[str, Any]) -> Params:
    """Write a config into params.yaml, comments and order kept, atomically; the result is judged before it is written.

    Returns:
        The params as they now stand in the file.
    """
    document = _read(path)
    defaults = parse(plain(document, "")).record()
    for key in sorted(config, key=names_first):
        set_dotted(document, key, config[key], defaults)
    params = parse(plain(document, ""))
    write_bytes(path, dump(document).encode())
    return params


def dump(record: Mapping[str, Any]) -> str:
    """Params as YAML, short mappings on one line; each key on its own where a line break would cut one in two."""
    from ruamel.yaml.error import YAMLError

    text = _dumped(record, 120, None)
    try:
        same = plain(_yaml().load(text), "") == plain(record, "")
    except YAMLError:
        same = False
    return text if same else _dumped(record, 2**20, False)


def _dumped(record: Mapping[str, Any], width: int, flow: bool | None) -> str:
    text, yaml = io.StringIO(), _yaml()
    yaml.width = width
    yaml.default_flow_style = flow
    yaml.dump(record, text)
    return text.getvalue()


def _yaml() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _read(path: Path) -> Any:
    from ruamel.yaml.error import YAMLError

    try:
        document = _yaml().load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ParamsError(
            f"{path} does not exist in {path.absolute().parent}; run 'nnops init --data FILE --target COLUMN' first."
        ) from error
    except UnicodeDecodeError as error:
        line, byte = error.object.count(b"\n", 0, error.start) + 1, error.object[error.start]
        raise ParamsError(
            f"{path}: line {line}: must be UTF-8, but here is the byte 0x{byte:02x}; save the file as UTF-8."
        ) from error
    except YAMLError as error:
        first = str(error).strip().splitlines()
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or first[0]
        if r"'\t'" in problem:
            problem = "a tab, where YAML takes only spaces"
        raise ParamsError(f"{path}:{line} not valid YAML: {problem}.") from error
    if document is None:
        raise ParamsError(
            f"{path} is empty; write at least 'data:' with a source and a target, as 'nnops init --data FILE --target"
            " COLUMN' does in another folder."
        )
    if not is_dict(document):
        raise ParamsError(
            f"{path}: must hold keys and values such as 'seed: 7', got a"
            f" {'list' if is_list(document) else 'single value'}."
        )
    return document
