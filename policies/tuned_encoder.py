"""An encoder with its method, made anew or read from the folder of a part-trained model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from lingym.policies.encoder import attention_dropout_of, load_encoder, max_positions
from lingym.policies.encoder_base import TUNED, WEIGHTS, Base, base_of, find_base, model_in
from lingym.policies.encoder_parts import prepare, put_together
from lingym.policies.encoder_tuning import SIZE_NAMES, Tuning
from lingym.policies.trusted import read_tensors
from lingym.trusted import check_folder, read_json

MOST_BASES = 64
"""Part-trained models that stand on each other."""


@dataclass(frozen=True)
class TunedEncoder:
    """An encoder, what of it is trained, and what it stands on.

    Attributes:
        module: a Hugging Face encoder, with what the method added inside it.
        tuning: the method.
        trained: the names of the weights that are trained.
        base: what a saved model names instead of holding it; None: it is saved whole.
    """

    module: nn.Module
    tuning: Tuning
    trained: frozenset[str]
    base: Base | None


@dataclass(frozen=True)
class Kept:
    """What a model folder says of its encoder: how it was trained, and on what."""

    tuning: Tuning
    base: Base | None


def tuned_encoder(
    name: str,
    vocab_size: int,
    tokens: int,
    pooler: bool,
    attention_dropout: float | None = None,
    tune: str | None = None,
    elsewhere: str | None = None,
    sizes: Mapping[str, float | None] = MappingProxyType({}),
    above: tuple[Path, ...] = (),
) -> TunedEncoder:
    """An encoder made ready for a method.

    The folder of a part-trained model goes on with its own parts if the method and its sizes are
    the same (or not given); another method begins on it as a whole, merged.

    Args:
        name: as for `load_encoder`, and so are the next four.
        vocab_size: token ids of the environment are below this.
        tokens: the longest window of the environment.
        pooler: keep the encoder's pooling layer.
        attention_dropout: of the attention's weights.
        tune: one of `METHODS`; None: as the folder was trained, or full.
        elsewhere: where the base of a part-trained model is, if it has moved.
        sizes: of the method, by name.
        above: the part-trained models that stand on this one.

    Raises:
        ImportError: a library that the method needs is missing.
        ValueError: as `load_encoder`; the method does not fit the encoder; the base of a
            part-trained model is not there, or stands on that model itself.
    """
    folder = Path(name)
    here = folder.resolve()
    if here in above:
        round_ = " on ".join(str(place) for place in (*above[above.index(here) :], here))
        raise ValueError(f"models name each other as their base, so none can be read: {round_}")
    above = (*above, here)
    if len(above) > MOST_BASES:
        raise ValueError(f"{name} is the base of a base ... of {above[0]}, {len(above)} deep")
    kept = read_kept(folder)
    tuning = Tuning.of(tune, None if kept is None else kept.tuning, **sizes)
    arguments = (vocab_size, tokens, pooler)
    if kept is None:
        module = load_encoder(name, *arguments, attention_dropout)
        base = None if tuning.method == "full" else base_of(name)
    elif kept.tuning == tuning:
        module, base = (
            _base_module(folder, kept, arguments, attention_dropout, elsewhere, above),
            kept.base,
        )
    else:
        places: Any = {"elsewhere": elsewhere, "above": above[:-1]}
        before = tuned_encoder(name, *arguments, attention_dropout, **places)
        put_together(before.module, before.tuning)
        module, base = before.module, None if tuning.method == "full" else base_of(name)
    _check_room(module, name, tuning, tokens)
    trained = prepare(module, tuning)
    if kept is not None and kept.tuning == tuning:
        _load(module, folder, trained, kept)
    return TunedEncoder(module, tuning, trained, base)


def read_kept(folder: Path) -> Kept | None:
    """How the encoder of a model folder was trained; None for any other, which is whole.

    Raises:
        ValueError: ``lingym.json`` says what cannot be.
    """
    file = folder / "lingym.json"
    if not file.is_file():
        return None
    check_folder(folder)
    whole = read_json(file)
    if not isinstance(whole, dict):
        raise ValueError(f"{file} is not JSON of a model: wanted an object")
    said = whole.get("tuning")
    return None if said is None else of_settings(said, file)


def of_settings(said: Any, file: Path) -> Kept:
    """The ``tuning`` of a ``lingym.json``.

    Raises:
        ValueError: it is of the wrong form.
    """
    try:
        sizes, base = {n: said[n] for n in SIZE_NAMES if n in said}, said["base"]
        known = {"tune", "base", *sizes}
        if said.keys() != known or any(type(s) not in (int, float) for s in sizes.values()):
            raise ValueError(f"wanted {', '.join(sorted(known))}, got {said}")
        if base is not None and not all(type(base[key]) is str for key in ("name", "sha256")):
            raise ValueError(f"base is {base}; wanted name and sha256")
        if type(said["tune"]) is not str:
            raise ValueError(f"tune is {said['tune']!r}; wanted text")
        tuning = Tuning.of(said["tune"], **sizes)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file}: tuning cannot be read: {error}") from None
    return Kept(tuning, None if base is None else Base(base["name"], base["sha256"]))


def _base_module(
    folder: Path,
    kept: Kept,
    arguments: tuple[int, int, bool],
    attention_dropout: float | None,
    elsewhere: str | None,
    above: tuple[Path, ...],
) -> nn.Module:
    """The encoder that a part-trained model stands on, as it was before."""
    if kept.base is None:
        return load_encoder(str(folder), *arguments, attention_dropout)
    place = find_base(kept.base, folder, elsewhere)
    if attention_dropout is None:
        attention_dropout = attention_dropout_of(folder)
    if read_kept(Path(place)) is None:
        return load_encoder(place, *arguments, attention_dropout)
    places: Any = {"elsewhere": elsewhere, "above": above}
    whole = tuned_encoder(place, *arguments, attention_dropout, **places)
    put_together(whole.module, whole.tuning)
    return whole.module


def _load(module: nn.Module, folder: Path, trained: frozenset[str], kept: Kept) -> None:
    """Put what was trained into its place.

    Raises:
        ValueError: the file is missing or torn, or holds other weights than the method's.
    """
    if kept.base is None and not kept.tuning.added:
        return  # all weights are in one file
    file = folder / TUNED
    tensors = read_tuned(file)
    wanted = {name: value.shape for name, value in module.state_dict().items() if name in tensors}
    found = {name: value.shape for name, value in tensors.items()}
    lacking = sorted(trained - tensors.keys())
    if lacking or wanted != found:
        which = lacking or sorted(n for n in found if wanted.get(n) != found[n])
        raise ValueError(
            f"{file} holds other weights than tune {kept.tuning.tune} of this encoder has, "
            f"{which[0]} among them"
        )
    module.load_state_dict(tensors, strict=False)


def read_tuned(file: Path) -> dict[str, Tensor]:
    """The tensors of a file.

    Raises:
        ValueError: it is missing or torn, or holds what no weight can be.
    """
    return read_tensors(file)


def _check_room(module: Any, name: str, tuning: Tuning, tokens: int) -> None:
    """Refuse a prompt that leaves too few positions for the environment's windows."""
    positions = max_positions(module.config)
    if tuning.virtual and positions is not None and tokens + tuning.virtual > positions:
        raise ValueError(
            f"encoder {name!r} takes {positions} tokens; {tuning.virtual} are the prompt's, "
            f"and the environment's windows have {tokens}: give the environment max_tokens="
            f"{positions - tuning.virtual}, or fewer prompt_tokens"
        )


def weight_files(folder: Path) -> tuple[str, ...]:
    """The files of weights that the encoder of a model folder needs to have there."""
    kept = read_kept(folder)
    if kept is None or (kept.base is None and not kept.tuning.added):
        return (WEIGHTS,)
    return (TUNED,) if kept.base is not None else (WEIGHTS, TUNED)


__all__ = ["Kept", "TunedEncoder", "model_in", "read_kept", "tuned_encoder", "weight_files"]
