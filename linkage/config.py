"""Settings: one frozen dataclass a stage, one `Config` for all, read from `linkage.toml`.

A setting left out has the default written here. What a run really used, defaults included, is
stored in `run.json` by `as_dict`. Unknown keys are refused with a suggestion.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from linkage.errors import ConfigError, shorten, suggestion

ENGINES = ("duckdb", "spark")
SIZE = re.compile(r"\d+(\.\d+)? *([KMGT](i?B)?|%)", re.IGNORECASE)
"""Memory as DuckDB reads it; a share is one of the machine's."""


@dataclass(frozen=True)
class SourcesConfig:
    """How tables are read."""

    map: dict[str, str] = field(default_factory=dict)
    """Column name -> kind (or account, created_at, timestamp, ignore); overrules the aliases."""
    timezone: str = "UTC"
    """The zone of times that name none."""


@dataclass(frozen=True)
class SignalsConfig:
    """How raw values become signals."""

    phone_region: str = ""
    """Two-letter region of phone numbers without a country code; empty: digits are compared."""


@dataclass(frozen=True)
class InfrastructureConfig:
    """Which signals go together beyond chance."""

    false_discovery: float = 0.01
    """Expected share of chance among the pairs kept (Benjamini-Hochberg)."""


@dataclass(frozen=True)
class AttributionConfig:
    """Which accounts belong to which operator."""

    min_size: int = 5
    """An operator has at least so many accounts."""
    min_confidence: float = 0.5
    """An account is a member from this posterior on."""


@dataclass(frozen=True)
class EngineConfig:
    """Where the SQL runs."""

    name: str = "duckdb"
    """duckdb, or spark."""
    memory: str = "4GB"
    """Memory limit of the engine, above which it spills to disk."""
    threads: int = 0
    """Threads of the engine; 0: all cores."""
    master: str = ""
    """Spark's master; empty: the one that Spark is set up with, or else this machine."""
    scratch: str = ""
    """Folder for Spark's tables that all of its machines reach; empty: one is chosen."""


@dataclass(frozen=True)
class Config:
    """All settings of a run: a section of `linkage.toml` each, and the seed of what is random.

    Values are checked where they are read (`read`, `from_dict`), and by the engine.

    >>> Config(seed=7, attribution=AttributionConfig(min_size=3)).attribution
    AttributionConfig(min_size=3, min_confidence=0.5)
    """

    seed: int = 1
    sources: SourcesConfig = field(default_factory=SourcesConfig)
    signals: SignalsConfig = field(default_factory=SignalsConfig)
    infrastructure: InfrastructureConfig = field(default_factory=InfrastructureConfig)
    attribution: AttributionConfig = field(default_factory=AttributionConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)


def as_dict(config: Config) -> dict[str, Any]:
    """The settings as nested plain values, defaults included."""
    return dataclasses.asdict(config)


def read(path: Path) -> Config:
    """Settings from a TOML file; `ConfigError` if it is missing, broken or has unknown keys.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "linkage.toml"
    >>> written = file.write_text("seed = 7\\n[sources.map]\\nclient = 'ip'")
    >>> read(file).sources.map
    {'client': 'ip'}
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. Leave out --config for the defaults.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML ({error}).") from None
    return from_dict(values, where=str(path))


def from_dict(
    values: dict[str, Any], where: str = "settings", typed: Mapping[str, str] | None = None
) -> Config:
    """Settings from nested plain values, the reverse of `as_dict`.

    `typed` says of settings (`engine.memory`) by which option they were given, if by one.

    >>> from_dict({"attribution": {"min_size": 3}}).attribution.min_size
    3
    >>> from_dict({"atribution": {}})
    Traceback (most recent call last):
    linkage.errors.ConfigError: settings: unknown setting "atribution". Did you mean "attribution"?
    """
    config: Config = _build(Config(), values, where, "")
    _check(config, where, typed or {})
    return config


def mapped(text: str) -> tuple[str, str]:
    """The column and the kind of `COLUMN=KIND`.

    >>> mapped("client=ip")
    ('client', 'ip')
    """
    column, equals, kind = text.rpartition("=")
    if not equals or not column or not kind:
        raise ConfigError(
            f"--map {shorten(text)}: expected COLUMN=KIND, such as --map client=ip, "
            "or COLUMN=ignore."
        )
    return column, kind


def _build(default: Any, values: dict[str, Any], where: str, prefix: str) -> Any:
    known = {f.name for f in dataclasses.fields(default)}
    changed: dict[str, Any] = {}
    for key, value in values.items():
        name = prefix + key
        if key not in known:
            raise ConfigError(f"{where}: unknown setting {shorten(name)}. {suggestion(key, known)}")
        old = getattr(default, key)
        if dataclasses.is_dataclass(old):
            if not isinstance(value, dict):
                raise ConfigError(f"{where}: {name} is a section; write [{name}] above its keys.")
            changed[key] = _build(old, value, where, name + ".")
        else:
            changed[key] = _typed(old, value, where, name)
    return dataclasses.replace(default, **changed)


def _typed(old: Any, value: Any, where: str, name: str) -> Any:
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(old):
        expected, found = type(old).__name__, type(value).__name__
        raise ConfigError(f"{where}: {name} must be {expected}, found {found} {shorten(value)}.")
    return value


def _check(config: Config, where: str, typed: Mapping[str, str]) -> None:
    def called(name: str) -> str:
        return typed.get(name) or f"{where}: {name}"

    if config.engine.name not in ENGINES:
        name = shorten(config.engine.name)
        option = typed.get("engine.name") or where
        raise ConfigError(f"{option}: no engine {name}. {suggestion(config.engine.name, ENGINES)}")
    if not SIZE.fullmatch(config.engine.memory):
        raise ConfigError(
            f"{called('engine.memory')} must be a size such as 4GB or 500MB, "
            f"found {shorten(config.engine.memory)}."
        )
    ranges = [
        ("attribution.min_size", config.attribution.min_size, 2, 10**9),
        ("attribution.min_confidence", config.attribution.min_confidence, 0.0, 1.0),
        ("infrastructure.false_discovery", config.infrastructure.false_discovery, 1e-12, 0.5),
        ("engine.threads", config.engine.threads, 0, 4096),
    ]
    for name, value, low, high in ranges:
        if not low <= value <= high:
            raise ConfigError(f"{called(name)} must lie in {low:,}–{high:,}, found {value:,}.")
