"""Templates that are known already: kept, recognised again, and told from new ones.

A model arrives and leaves as bytes that any version of it can be read from, without running what
they say. Searches come one after another, each over the prompts that came since the one before: the
same template may be found twice, and is known by the name that it got first.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from linkage.signals.prompt.arrays import I64, U64, distinct
from linkage.signals.prompt.families import Families
from linkage.signals.prompt.model import Model
from linkage.signals.prompt.postings import runs
from linkage.signals.prompt.text import tokenise

FORMAT = "linkage templates 1"


def to_bytes(model: Model) -> bytes:
    """A model as bytes.

    >>> import pyarrow as pa
    >>> from linkage.signals.prompt.corpus import read
    >>> from linkage.signals.prompt.model import learn
    >>> text = "Translate the letter below into formal French, keeping all names: "
    >>> texts = pa.chunked_array([[text + "Dear Ann", text + "Hi Bob, see you soon"]])
    >>> model = learn(read(texts, np.array([0, 1])))
    >>> from_bytes(to_bytes(model)).skeletons == list(model.skeletons)
    True
    """
    arrays: dict[str, Any] = {}
    plain = _plain(model, "", arrays)
    text = json.dumps({"format": FORMAT, "model": plain}, ensure_ascii=False)
    file = io.BytesIO()
    np.savez_compressed(file, _=np.frombuffer(text.encode(), dtype=np.uint8), **arrays)
    return file.getvalue()


def from_bytes(content: bytes) -> Model | None:
    """The model of some bytes; None if another version wrote them."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        values = json.loads(arrays["_"].tobytes().decode())
        if values.get("format") != FORMAT:
            return None
        try:
            model: Model = _built(Model, values["model"], arrays)
        except (KeyError, TypeError):
            return None
        return model


def _plain(value: Any, name: str, arrays: dict[str, Any]) -> Any:
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {"array": name}
    if dataclasses.is_dataclass(value):
        return {
            f.name: _plain(getattr(value, f.name), f"{name}.{f.name}", arrays)
            for f in dataclasses.fields(value)
        }
    if isinstance(value, tuple):
        return {"tuple": [_plain(v, f"{name}.{i}", arrays) for i, v in enumerate(value)]}
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _built(kind: Any, value: Any, arrays: Any) -> Any:
    if isinstance(value, dict) and "array" in value:
        return arrays[value["array"]]
    if isinstance(value, dict) and "tuple" in value:
        return tuple(_built(None, v, arrays) for v in value["tuple"])
    if isinstance(value, dict):
        types = _DATACLASSES[kind.__name__]
        return kind(**{k: _built(types.get(k), v, arrays) for k, v in value.items()})
    return value


def _fields_of(kind: Any) -> dict[str, dict[str, Any]]:
    """For each dataclass that a model is made of, which of its fields are dataclasses."""
    import typing

    hints = typing.get_type_hints(kind)
    inner = {k: t for k, t in hints.items() if dataclasses.is_dataclass(t)}
    found = {kind.__name__: inner}
    for t in inner.values():
        found |= _fields_of(t)
    return found


_DATACLASSES = _fields_of(Model)


def runs_of(texts: Sequence[str]) -> tuple[U64, I64]:
    """The runs of some prompts, and where those of each begin."""
    tokens = tokenise(pa.array(texts, pa.string()))
    return runs(tokens.hashes, tokens.first), tokens.first


class Known:
    """Several models as one, the earliest first; a template has the text it was first found with.

    `told` says which templates prompts hold, by number in `texts`.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        self.models: list[Model] = []
        self.texts: list[str] = []
        self._names: list[I64] = []
        for model in models:
            self.add(model)

    def add(self, model: Model) -> None:
        """One more model, of a later search."""
        self._names.append(self._numbered(model))
        self.models.append(model)

    @property
    def quoting(self) -> bool:
        """Whether most accounts quoted in what one of the models was learned from."""
        return any(model.quoting for model in self.models)

    def _numbered(self, model: Model) -> I64:
        """Numbers in `texts` of a model's families, -1 where they are no templates."""
        names = np.full(len(model.skeletons), -1, dtype=np.int64)
        own = [i for i, text in enumerate(model.skeletons) if text]
        same = self._same(model, own)
        numbers = {text: i for i, text in enumerate(self.texts)}
        for i in own:
            text = model.skeletons[i]
            if i in same:
                names[i] = same[i]
            else:
                names[i] = numbers.setdefault(text, len(self.texts))
                if names[i] == len(self.texts):
                    self.texts.append(text)
        return names

    def _same(self, model: Model, own: list[int]) -> dict[int, int]:
        """Templates of a new model that are a known one: each holds the other."""
        if not self.texts or not own:
            return {}
        prompt, number = self.told(*runs_of([model.skeletons[i] for i in own]))
        holds = {(own[p], n) for p, n in zip(prompt.tolist(), number.tolist(), strict=True)}
        known, family = model.told(*runs_of(self.texts))
        held = {(f, k) for k, f in zip(known.tolist(), family.tolist(), strict=True)}
        return dict(sorted(holds & held, reverse=True))

    def named(self, families: Families) -> dict[int, str]:
        """The texts of those of some families that are known templates: each holds the other."""
        if not self.texts:
            return {}
        family, number = self.told(*families.fixed())
        holds = set(zip(family.tolist(), number.tolist(), strict=True))
        text, held = families.held(*runs_of(self.texts))
        both = holds & set(zip(held.tolist(), text.tolist(), strict=True))
        return {f: self.texts[n] for f, n in sorted(both, reverse=True)}

    def told(self, run: U64, first: I64) -> tuple[I64, I64]:
        """Prompts and the templates that they tell of, as distinct pairs.

        By the runs that begin at each token, and where the tokens of each prompt begin.
        """
        prompts, numbers = [], []
        for model, names in zip(self.models, self._names, strict=True):
            prompt, family = model.told(run, first)
            number = names[family]
            prompts.append(prompt[number >= 0])
            numbers.append(number[number >= 0])
        if len(prompts) == 1:
            return prompts[0], numbers[0]
        prompt = np.concatenate([*prompts, np.zeros(0, dtype=np.int64)])
        number = np.concatenate([*numbers, np.zeros(0, dtype=np.int64)])
        return distinct(prompt, number, max(len(self.texts), 1))
