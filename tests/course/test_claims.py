"""The ledger: sentences and numbers belong together, a claim that is false says so, cheap ones are measured again on other seeds."""
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import metalib as ml
from metalib.course import claims
from metalib.course.claims import Claim, find, shown

ALL = {claim.id: claim for claim in find()}
UNSEEN = 1_000                    # no text was written from it
COIN = Claim("99.1", "Heads {heads:.0%} of the time, {flips} flips.", lambda seed: {"heads": 0.5 + 0.01 * seed, "flips": 3.0},
             lambda n: n["heads"] < 0.515, "coins", ("tails",), "a coin that lands on its edge", "another coin")


@pytest.mark.parametrize("id", ALL)
def test_every_claim_is_whole_and_its_sentence_takes_the_recorded_numbers(id):
    claim = ALL[id]
    assert claim.rivals and claim.refuted and claim.tried and claim.over and id.partition(".")[0] in claims.CHAPTERS
    found = claim.recorded
    assert "{" not in found.sentence and len(found.seeds) == len(found.numbers) >= 1 and found.held > 0
    assert {"seed", "minutes", "versions", "processor"} <= set(found.provenance)
    assert " ".join(found.sentence.split()) in " ".join(found.account().split())


def test_only_the_records_of_claims_are_shipped():
    assert {path.stem for path in (claims.MEASURED / "claims").glob("*.json")} == set(ALL)


@pytest.mark.parametrize("id", [id for id, claim in ALL.items() if claim.minutes <= 0.2 and not claim.data])
def test_cheap_claims_hold_on_a_seed_that_did_not_write_the_text(id):
    found = claims.measure(ALL[id], [UNSEEN])
    assert found.held == 1, found


def test_a_claim_counts_the_seeds_on_which_it_holds():
    found = COIN.on(range(4))
    assert (found.held, found.verdict) == (2, "holds on 2 of 4 seeds of coins")
    assert COIN.on([5]).verdict == "does not hold on the one seed of coins" and COIN.on([2, 3]).verdict == "does not hold on any of 2 seeds of coins"
    assert COIN.on([0]).sentence == "Heads 50 % of the time, 3.00 flips."


@pytest.mark.parametrize("values, spec, text", [
    ([0.36], ".2f", "0.36"), ([1.0, 1.0, 1.0], ".1f", "1.0"), ([1.0, 2.0, 3.0], ".1f", "2.0 ± 2.5"), ([0.5, 0.7], ".0%", "60 ± 127 %"),
    ([1e-9, 3e-9], "<.0e", "3e-09"), ([0.1, 0.3], "<.0%", "30 %"),
])
def test_numbers_are_shown_with_student_s_interval_over_seeds(values, spec, text):
    assert shown(values, spec) == text


def test_what_is_not_in_the_ledger_is_one_sentence():
    for call, words in ((lambda: find(["3"]), "chapter '3' has no claims"), (lambda: find(["03.99"]), "no claim '03.99'; there are 03.1,"),
                        (lambda: claims.chapter("03").claim("01.1"), "no claim '01.1'")):
        with pytest.raises(ValueError, match=words):
            call()


def test_the_front_door_measures_on_fresh_seeds_and_ships_nothing(capsys, monkeypatch):
    from metalib.__main__ import main
    asked = []
    monkeypatch.setattr(claims, "find", lambda which: [dataclasses.replace(COIN, measure=lambda seed: asked.append(seed) or COIN.measure(0))])
    main(["claims", "99", "--seeds", "2"])
    told = capsys.readouterr().out
    assert asked == [claims.FRESH, claims.FRESH + 1] and "holds on 2 of 2 seeds" in told and "refuted by: a coin" in told
    assert not (claims.MEASURED / "claims" / "99.1.json").exists()


def test_recording_ships_numbers_with_their_provenance(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "MEASURED", tmp_path)
    monkeypatch.setattr("metalib.storage.MEASURED", tmp_path)
    claims.measure(COIN, [0, 1], record=True)
    assert json.loads((tmp_path / "claims" / "99.1.json").read_text())["provenance"]["seed"] == [0, 1]
    assert COIN.recorded.seeds == (0, 1) and COIN.recorded.held == 2


def test_the_list_needs_no_measuring():
    ran = subprocess.run([sys.executable, "-m", "metalib", "claims", "--list"], capture_output=True, text=True)
    assert ran.returncode == 0 and all(f"{id} " in ran.stdout for id in ALL), ran.stderr


@pytest.mark.parametrize("number", [number for number in claims.CHAPTERS if claims.in_ledger(number)])
def test_a_chapter_shows_each_of_its_claims_and_draws_its_summary_from_them(number):
    [path] = (Path(ml.__file__).parents[1] / "notebooks").glob(f"{number}_*.ipynb")
    code = "\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code")
    missing = [id for id in claims.chapter(number).claims if f'chapter.claim("{id}")' not in code]
    assert not missing and "chapter.summary()" in code
