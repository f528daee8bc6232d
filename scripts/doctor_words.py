"""What the doctor of rewards found, in words and tables."""

from collections.abc import Iterator
from itertools import pairwise
from textwrap import wrap

from lingym.rewards import Reward
from lingym.scripts.doctor import POLICIES, SAMPLES, TYPICAL, Findings
from lingym.scripts.doctor_contract import CHECKS
from lingym.scripts.doctor_cost import Cost
from lingym.scripts.doctor_labelings import GOLD, RANDOM, SHARES, SHIFTED, WORSENING, corrupted

# What is warned of: shares above these.
LAZY = 0.5
SILENT = 0.5
UPSIDE_DOWN = 0.05
BLIND = 0.05
FEW = 20
DEAR = 0.1
ALMOST = 0.02
WIDTH = 96


def table(findings: Findings) -> Iterator[str]:
    """A line for each labelling: its wrong units, and its scores over the texts."""
    width = max(map(len, findings.scores))
    yield f"{'labels':<{width}}   wrong     mean       sd      min      max   of gold"
    for name, row in findings.json()["labelings"].items():
        share = row["share_of_gold"]
        figures = "".join(f"{row[key]:9.4f}" for key in ("mean", "std", "min", "max"))
        gold = "" if share is None else f"{share:10.2f}"
        yield f"{name:<{width}} {100 * row['wrong']:5.1f} %{figures}{gold}"


def order(findings: Findings) -> Iterator[str]:
    """Whether worse labels are worth less."""
    falls = "falls" if findings.falls else "does not fall"
    yield from wrap(
        f"The mean {falls} from each of {', '.join(WORSENING)} to the next; the rank correlation "
        f"of score and wrong labels over all texts is {findings.spearman:.2f}.",
        WIDTH,
    )
    yield f"  {'the worse labels score':<24}{'texts':>7}{'less':>9}{'alike':>8}{'more':>8}"
    for pair, row in findings.steps.items():
        shares = "".join(f"{_per_cent(row[key]):>8}" for key in ("alike", "more"))
        yield f"  {pair:<24}{row['texts']:7.0f}{_per_cent(row['less']):>9}{shares}"


def signal(findings: Findings) -> Iterator[str]:
    """Of how many texts a policy learns anything."""
    yield f"Of {SAMPLES} labelings of a text, drawn by a policy:"
    yield "  policy        labels differ   scores differ   sd within a text"
    for name, row in findings.signal.items():
        differ = [_per_cent(row[key]) for key in ("labelings_differ", "scores_differ")]
        yield f"  {name:<12}{differ[0]:>15}{differ[1]:>16}{row['std_within']:>19.4f}"
    yield from wrap(
        f"Between texts lies {_per_cent(findings.between)} of the variance at "
        f"{_per_cent(TYPICAL)} right; a baseline of the text's own (leave-one-out) takes it away.",
        WIDTH,
    )


def contract(reward: Reward, failed: list[str], sums: bool, learns: bool) -> Iterator[str]:
    """What the reward keeps, and what it is."""
    kept = [check.__name__.replace("_", " ") for check in CHECKS if check.__name__ not in failed]
    yield from wrap(f"Kept on these texts: {', '.join(['every score is finite', *kept])}.", WIDTH)
    yield "It is " + (
        "sparse: the score comes with the last label."
        if reward.sparse
        else "dense: labels are paid for as they are given."
    )
    yield (
        "It is a sum over the units (`table`): what a label is worth does not depend on others."
        if sums
        else "What a label is worth may depend on the other labels (no `table`)."
    )
    if learns:
        yield "It changes in the run: measured after it had seen these texts once, 95 % right."
    if not reward.needs_gold:
        yield "It reads no gold labels."
    if reward.hides_gold:
        yield "It keeps the gold labels to itself."


def price(cost: Cost, encoder: str) -> str:
    """What a call costs."""
    return "\n".join(
        wrap(
            f"One call on {cost.texts} labelings takes {1000 * cost.reward:.2f} ms: "
            f"{_share(cost.share)} of the {1000 * cost.encoder:.0f} ms that the encoder {encoder} "
            "takes forward and backward on the same texts.",
            WIDTH,
        )
    )


def told(warned: list[str]) -> Iterator[str]:
    """The warnings as they are printed."""
    if not warned:
        yield "Nothing to warn of."
    for text in warned:
        yield from wrap(f"! {text}", WIDTH, subsequent_indent="  ")


def warnings(findings: Findings, cost: Cost, failed: list[str], exhausted: bool) -> Iterator[str]:
    """What its author should look at."""
    for name in failed:
        yield f"it breaks what every reward must keep: {name.replace('_', ' ')}"
    means = {name: float(scores.mean()) for name, scores in findings.scores.items()}
    if all(not scores.std() for scores in findings.scores.values()) and len({*means.values()}) == 1:
        yield f"every labelling has the score {means[GOLD]:g}"
        return
    yield from _lazy(findings, means)
    rises = [pair for pair in pairwise(WORSENING) if means[pair[1]] > means[pair[0]]]
    if rises:
        told = ", ".join(f"{a} {means[a]:.4f} < {b} {means[b]:.4f}" for a, b in rises)
        yield f"worse labels raise the mean: {told}"
    pairs = {name: row for name, row in findings.steps.items() if row["texts"] >= FEW}
    if pairs:
        pair = max(pairs, key=lambda name: pairs[name]["more"])
        if pairs[pair]["more"] > UPSIDE_DOWN:
            more = _per_cent(pairs[pair]["more"])
            yield f"worse labels score higher in up to {more} of the texts ({pair})"
    names = dict(zip(findings.signal, POLICIES, strict=True))
    for name, row in findings.signal.items():
        silent = 1 - row["scores_differ"]
        blind = row["labelings_differ"] - row["scores_differ"]
        if names[name] == TYPICAL and silent > SILENT and blind > BLIND:
            yield (
                f"{_per_cent(silent)} of the texts give no signal to {_policy(name)} "
                f"({SAMPLES} labelings of each; in {_per_cent(1 - row['labelings_differ'])} they "
                "are all the same)"
            )
        elif blind > SILENT:
            yield (
                f"{_per_cent(blind)} of the texts give no signal to {_policy(name)}, "
                "though its labelings differ"
            )
    if cost.share > DEAR:
        yield f"one call costs {_share(cost.share)} of the encoder's forward and backward pass"
    if exhausted:
        yield "it has nothing more to say after these texts: its budget is spent"


def _lazy(findings: Findings, means: dict[str, float]) -> Iterator[str]:
    """Labels that need no reading, and labels that beat gold ones."""
    below = min(float(scores.min()) for scores in findings.scores.values()) < 0
    for name, mean in means.items():
        share = findings.share_of_gold(name)
        if name in WORSENING[:-1]:
            continue
        if mean >= means[GOLD] - 1e-12:
            yield f"labels {name!r} earn {mean:.4f}, no less than gold labels, {means[GOLD]:.4f}"
        elif share is not None and share > LAZY and name != SHIFTED:
            what = "of the way from random labels to gold ones" if below else "of what gold earns"
            yield f"labels {name!r} earn {share:.2f} {what}, without a look at the text"
    gap = means[corrupted(SHARES[0])] - means[GOLD]
    if gap > ALMOST * abs(means[GOLD]):
        yield f"gold labels are not the best: 1 % wrong earns {gap:.4f} more"


def _policy(name: str) -> str:
    return "a policy that draws evenly" if name == RANDOM else f"a policy that is {name}"


def _per_cent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _share(share: float) -> str:
    """A share that may be small, or more than the whole."""
    if share >= 1:
        return f"{share:.1f} times"
    return f"{100 * share:.2g} %" if share >= 1e-4 else "less than 0.01 %"
