import hashlib
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known import known

from benchmark.data import committed_split
from benchmark.data.dmid import read
from benchmark.data.folds import cross_validation
from benchmark.data.leakage import leakage
from benchmark.data.split import PARTS, Split
from benchmark.data.split_rules import RULES, SPLITS, choose, compute, load, sizes_for, split
from benchmark.data.study import Laterality, Lesion, Study, View
from benchmark.errors import UserError
from benchmark.forms.record import SplitRecord
from benchmark.phantoms import write

WORD_LIST = "soft opacity seen in the upper outer quadrant of breast with spiculated margin suggests benign lesion"
WORDS = WORD_LIST.split()
VIEWS: tuple[View | None, ...] = ("CC", "MLO", None)
SIDES: tuple[Laterality | None, ...] = ("left", "right", None)


@st.composite
def archives(draw: st.DrawFn, least: int = 3, most: int = 60) -> list[Study]:
    """Draw studies with ids that may have gaps, in no order, with every kind of resemblance between neighbours."""
    numbers = draw(st.lists(st.integers(1, 2000), min_size=least, max_size=most, unique=True))
    rng = random.Random(draw(st.integers(0, 10**6)))
    studies = []
    for number in numbers:
        category = rng.choice(["1", "1", "2", "3", "4A", "4B", "5", None])
        studies.append(
            Study(
                id=f"Img{number:03d}",
                image=None,
                report=" ".join(rng.choices(WORDS, k=rng.randint(3, 20))),
                view=rng.choice(["CC", "MLO", None]),
                laterality=rng.choice(["left", "right", None]),
                lesions=tuple(Lesion(rng.choice(["CALC", "CIRC", "NORM"]), "B") for _ in range(rng.randint(0, 2))),
                density=rng.choice(["A", "B", "C", "D", None]),
                birads=(category,) if category else (),
                highest_birads=category,
            )
        )
    return studies


@given(archives(), st.sampled_from(RULES), st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_no_id_is_lost_no_part_is_empty_and_the_same_seed_gives_the_same_split(
    studies: list[Study], name: str, seed: int
) -> None:
    parted = split(studies, name, seed=seed)
    ids = [i for part in PARTS for i in getattr(parted, part)]
    assert sorted(ids) == sorted(s.id for s in studies)
    assert all(getattr(parted, part) for part in PARTS)
    assert set(parted.blocks) == set(ids)
    assert split(list(reversed(studies)), name, seed=seed) == parted
    for part in PARTS:
        numbers = [int(i[3:]) for i in getattr(parted, part)]
        assert numbers == sorted(numbers)


@given(archives(), st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_no_block_is_torn(studies: list[Study], seed: int) -> None:
    parted = split(studies, "blocked", seed=seed)
    part = parted.part_of()
    parts_of_block = defaultdict(set)
    for i, block in parted.blocks.items():
        parts_of_block[block].add(part[i])
    assert all(len(parts) == 1 for parts in parts_of_block.values())


@given(archives(least=6))
@settings(deadline=None, max_examples=40)
def test_blocks_are_runs_of_ids_that_hold_all_neighbours_of_one_density(studies: list[Study]) -> None:
    blocks = split(studies, "sequential").blocks
    ordered = sorted(studies, key=lambda s: s.number)
    runs: list[str] = []
    for study in ordered:
        if not runs or runs[-1] != blocks[study.id]:
            runs.append(blocks[study.id])
    assert len(runs) == len(set(runs))  # no block is left and entered again
    if len(runs) >= 3:
        for a, b in pairwise(ordered):
            if a.density and a.density == b.density and b.number - a.number <= 3:
                assert blocks[a.id] == blocks[b.id]


@given(st.integers(3, 3000))
def test_sizes_are_the_papers_proportion(number: int) -> None:
    sizes = sizes_for(number)
    assert sum(sizes) == number
    assert min(sizes) >= 1
    if number >= 30:
        assert max(abs(n / number - p / 510) for n, p in zip(sizes, (407, 51, 52), strict=True)) < 1.1 / number


def test_510_give_the_papers_numbers() -> None:
    assert sizes_for(510) == (407, 51, 52)


@pytest.mark.parametrize("number", [6, 8, 12, 20, 30])
def test_small_data_sets_have_every_part(release: Callable[..., Path], number: int) -> None:
    studies = read(release(number)).studies
    for name in RULES:
        assert all(len(getattr(split(studies, name), part)) >= 1 for part in PARTS)


def test_studies_that_are_one_block_are_still_parted_and_it_is_said() -> None:
    studies = [Study(id=f"Img{i:03d}", image=None, report="same", density="B") for i in range(1, 9)]
    parted = split(studies, "blocked")
    assert "fewer than three blocks" in parted.rule
    assert len(set(parted.blocks.values())) == 8


def test_two_studies_are_too_few() -> None:
    with pytest.raises(UserError, match="2 studies"):
        split([Study(id=f"Img{i:03d}", image=None, report="") for i in (1, 2)], "random")


def test_an_unknown_name_is_met_with_the_nearest() -> None:
    studies = [Study(id=f"Img{i:03d}", image=None, report="") for i in (1, 2, 3)]
    with pytest.raises(UserError, match="'blocked'"):
        choose(studies, "bloked")


def test_sequential_is_in_the_order_of_numbers_not_of_names() -> None:
    studies = [Study(id=f"Img{i:03d}", image=None, report=str(i)) for i in range(990, 1010)]
    parted = split(studies, "sequential")
    assert parted.test == ("Img1008", "Img1009")
    assert parted.seed is None


def test_other_seeds_give_other_splits_where_something_is_random(release: Callable[..., Path]) -> None:
    studies = read(release(30)).studies
    for name in ("random", "blocked"):
        assert len({split(studies, name, seed=s).fingerprint for s in range(5)}) > 1
    assert len({split(studies, "sequential", seed=s).fingerprint for s in range(5)}) == 1


def test_the_random_split_draws_evenly() -> None:
    """Over many seeds every study is tested about equally often (binomial, five standard deviations)."""
    studies = [Study(id=f"Img{i:03d}", image=None, report=str(i), density="ABCD"[i % 4]) for i in range(1, 41)]
    tested = Counter(i for seed in range(400) for i in split(studies, "random", seed=seed).test)
    expected, deviation = 400 * 4 / 40, (400 * 0.1 * 0.9) ** 0.5
    assert all(abs(tested[s.id] - expected) < 5 * deviation for s in studies)


def test_no_phantom_patient_lies_in_two_parts(tmp_path: Path) -> None:
    """The rule knows no patients; phantoms do."""
    write.write(tmp_path / "p", studies=80, seed=5, size=64, jobs=1)
    truths = write.read_truth(tmp_path / "p")
    part = split(read(tmp_path / "p").studies, "blocked").part_of()
    parts = defaultdict(set)
    for i, truth in truths.items():
        parts[truth.patient].add(part[i])
    assert sum(len(p) > 1 for p in parts.values()) == 0


def test_a_split_is_saved_and_loaded(release: Callable[..., Path], tmp_path: Path) -> None:
    studies = read(release(12)).studies
    parted = split(studies, "blocked", seed=2)
    parted.save(tmp_path / "split.json")
    loaded = load(tmp_path / "split.json", studies)
    assert loaded.fingerprint == parted.fingerprint
    assert (loaded.name, loaded.rule, loaded.seed) == ("file", parted.rule, 2)
    assert choose(studies, str(tmp_path / "split.json")) == loaded


def test_a_file_of_ids_may_name_images_and_leave_studies_out(release: Callable[..., Path], tmp_path: Path) -> None:
    studies = read(release(6)).studies
    path = tmp_path / "ids.json"
    path.write_text(json.dumps({"train": ["IMG003", "img001"], "test": ["Img005"]}))
    loaded = load(path, studies)
    assert (loaded.train, loaded.validation, loaded.test) == (("Img001", "Img003"), (), ("Img005",))
    assert set(loaded.blocks) == {"Img001", "Img003", "Img005"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"train": ["Img001", "Img099", "dog"], "test": ["Img001"]}', "'Img099'.*'dog'.*Img001 is named 2 times"),
        ('{"train": ["Img001"]}', "'test' is empty"),
        ('{"train": "Img001", "test": ["Img002"]}', "expected lists"),
        ("[1, 2]", "expected lists"),
        ("{", "not JSON"),
    ],
)
def test_what_is_wrong_with_a_file_of_ids_is_said_at_once(
    release: Callable[..., Path], tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "ids.json"
    path.write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        load(path, read(release(6)).studies)
    assert "ids.json" in str(caught.value)


def test_a_missing_file_is_named(release: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.json"):
        choose(read(release(6)).studies, str(tmp_path / "gone.json"))


class TestCommitted:
    @pytest.fixture
    def studies(self, dmid: Path) -> tuple[Study, ...]:
        return read(dmid).reports

    def test_the_rule_still_gives_it(self, studies: tuple[Study, ...]) -> None:
        released, computed = split(studies, "blocked"), compute(studies, "blocked")
        assert released == computed
        assert released.fingerprint == computed.fingerprint == committed_split.read().fingerprint

    def test_it_has_the_papers_numbers_and_the_release_s_mixture(self, studies: tuple[Study, ...]) -> None:
        parted = split(studies, "blocked")
        assert [len(getattr(parted, part)) for part in PARTS] == [407, 51, 52]
        major = {s.id: known(s.highest_birads)[0] for s in studies}
        total = Counter(major.values())
        for part in ("validation", "test"):
            counts = Counter(major[i] for i in getattr(parted, part))
            assert all(abs(counts[c] - total[c] * 52 / 510) <= 1.5 for c in total)
            assert len({parted.blocks[i] for i in getattr(parted, part)}) >= 15

    def test_one_damaged_study_moves_no_other(self, studies: tuple[Study, ...]) -> None:
        part_of = split(studies, "blocked").part_of()
        fewer = split([s for s in studies if s.id != "Img100"], "blocked").part_of()
        assert fewer == {i: p for i, p in part_of.items() if i != "Img100"}

    def test_other_reports_or_another_seed_are_computed(self, studies: tuple[Study, ...]) -> None:
        assert committed_split.split_for(studies) is not None
        changed = [*studies[:-1], Study(id="Img510", image=None, report="other words")]
        assert committed_split.split_for(changed) is None
        assert committed_split.split_for(studies[:100]) is None
        assert split(studies, "blocked", seed=1).fingerprint != split(studies, "blocked").fingerprint

    def test_it_holds_no_text(self) -> None:
        content = json.loads((Path(committed_split.__file__).parent / "splits" / "dmid-blocked.json").read_text())
        assert set(content) == set(committed_split.CommittedSplit.model_fields)
        assert all(len(d) == 12 and int(d, 16) >= 0 for d in content["reports"].values())

    def test_it_is_written_as_it_is_committed(self, studies: tuple[Study, ...], tmp_path: Path) -> None:
        committed_split.write(tmp_path / "a.json", compute(studies, "blocked"), studies)
        path = Path(committed_split.__file__).parent / "splits" / "dmid-blocked.json"
        assert json.loads((tmp_path / "a.json").read_text()) == json.loads(path.read_text())


DIGESTS = {
    1: "73116988b033cf08eacb668dcb08e5419a8514c5db1a1611ba79d1c6ad2c2962",
    2: "8380fb35a188bf27e5325fe94556549ea325bf019b6be3e1a3ed32da39829ea6",
}
"""The digest of the splits below and of their leakage, by the version of the rules."""


def some_studies(number: int) -> list[Study]:
    """Return studies with every kind of resemblance between neighbours, the same on every machine."""
    studies = []
    for i in range(1, number + 1):
        words = [WORDS[int(c, 16) % len(WORDS)] for c in hashlib.sha256(str(i // 3).encode()).hexdigest()[:12]]
        bits = hashlib.sha256(f"study {i}".encode()).digest()
        category = ["1", "1", "2", "3", "4A", "4B", "5", None][bits[0] % 8]
        studies.append(
            Study(
                id=f"Img{i + i // 17:03d}",
                image=None,
                report=" ".join([*words, WORDS[bits[1] % len(WORDS)]]),
                view=VIEWS[bits[2] % 3],
                laterality=SIDES[bits[3] % 3],
                lesions=tuple(Lesion(["CALC", "CIRC", "NORM"][bits[4] % 3], "B") for _ in range(bits[5] % 3)),
                density=["A", "B", "C", "D", None][bits[6] % 5],
                birads=(category,) if category else (),
                highest_birads=category,
            )
        )
    return studies


def test_splits_and_their_leakage_change_with_their_version_only() -> None:
    studies = some_studies(200)
    splits = [split(studies, rule, seed=seed) for rule in RULES for seed in (0, 1)]
    splits += cross_validation(studies, 5)
    content = [[parted.to_file().model_dump(mode="json"), leakage(parted, studies).model_dump()] for parted in splits]
    total = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    total.update((Path(committed_split.__file__).parent / "splits" / "dmid-blocked.json").read_bytes())
    assert DIGESTS.get(SPLITS) == total.hexdigest(), (
        "splits or their leakage changed: raise SPLITS in benchmark/data/split_rules.py and write the new digest here: "
        f"{total.hexdigest()}"
    )


@pytest.mark.parametrize("rule", RULES)
def test_a_split_comes_back_from_json(rule: str) -> None:
    parted = split(some_studies(60), rule, seed=2)
    record = parted.to_record(leakage(parted, some_studies(60)))
    assert Split.from_record(SplitRecord.model_validate_json(record.model_dump_json())) == parted
