"""Taking secrets out of what is recorded: passwords in addresses, values of keys such as ``token``, known formats."""

import re

MASK = "***"

_SECRET = r"(?:password|passwd|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key)"
_ADDRESS = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)")
# Only what looks like a value: code such as `token = next(stream)` stays as it is.
_QUOTED = re.compile(rf"(?i)([\w.-]*{_SECRET}\w*[\"']?\s*[:=]\s*)([\"'])[^\"'\n]{{4,}}\2")
_BARE = re.compile(rf"(?im)([\w.-]*{_SECRET}\w*\s*[:=]\s*)(?=[^\s\"'()]*\d)[A-Za-z0-9+/_.\-]{{8,}}=*(?=\s|$)")
_OPTION = re.compile(rf"(?i)(--[\w-]*{_SECRET}[\w-]*[ =])\S+")
_FORMATS = re.compile(
    r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_\w{20,}|xox[abpr]-[\w-]{10,}"
    r"|sk-[\w-]{20,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,})"
)
_BLOCK = re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?=-----END|\Z)", re.DOTALL)
_KEY = re.compile(rf"(?i){_SECRET}s?$")


def redact(text: str) -> str:
    """The text with what looks like a secret masked.

    >>> redact("postgresql://ann:pa55@db/x and api_key: 'abcd1234'")
    "postgresql://***@db/x and api_key: '***'"
    >>> redact("token = next(stream)")
    'token = next(stream)'
    """
    text = _ADDRESS.sub(MASK, text)
    text = _QUOTED.sub(rf"\1\2{MASK}\2", text)
    text = _BARE.sub(rf"\1{MASK}", text)
    text = _OPTION.sub(rf"\1{MASK}", text)
    text = _FORMATS.sub(MASK, text)
    return _BLOCK.sub(rf"\1{MASK}", text)


def redact_value(key: str, text: str) -> str:
    """The text of one parameter, masked where its key says that it is a secret.

    >>> redact_value("source.options.password", "x"), redact_value("train.epochs", "20")
    ('***', '20')
    """
    if _KEY.search(key):
        return MASK
    return _ADDRESS.sub(MASK, text) if "://" in text else text
