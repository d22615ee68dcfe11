"""What may be typed for a list, and where a key that is no option stands."""

from __future__ import annotations

import pytest

from painet_cli.config.dotted import comma_list, where_is
from painet_cli.config.presets import Preset, load_preset
from painet_cli.errors import RequestError
from typed import Say


@pytest.mark.parametrize("text", ["speed,type", "speed, type", " speed , type, ", "[speed, type,]"])
def test_blanks_and_a_last_comma_in_a_list_do_not_count(text: str) -> None:
    assert load_preset("demo", [f"features.node={text}"]).features.node == ("speed", "type")


def test_one_word_is_a_list_of_one() -> None:
    assert load_preset("demo", ["train.augment=mirror"]).train.augment == ("mirror",)


def test_text_with_a_comma_stays_text() -> None:
    assert load_preset("demo", ["description=slow, steady"]).description == "slow, steady"


def test_a_list_of_nothing_is_refused() -> None:
    with pytest.raises(RequestError, match="a list of nothing"):
        comma_list(" , ")


def test_a_preset_may_be_named_with_a_blank() -> None:
    assert load_preset("demo ") == load_preset("demo")


@pytest.mark.parametrize(
    ("key", "dotted"),
    [
        ("lr", "train.lr"),
        ("learning_rate", "train.lr"),
        ("batch_size", "train.batch_size"),
        ("hidden", "model.hidden"),
        ("horizon", "data.horizon"),
    ],
)
def test_a_key_is_found_by_its_name_or_its_meaning(key: str, dotted: str) -> None:
    assert where_is(key, Preset)[0] == dotted


@pytest.mark.parametrize(
    ("typed", "setting"),
    [
        (["--lr", "1e-3"], "--set train.lr=1e-3"),
        (["--batch-size=8"], "--set train.batch_size=8"),
        (["--hidden", "32"], "--set model.hidden=32"),
        (["--lr"], "--set train.lr=..."),
    ],
)
def test_a_key_typed_as_an_option_leads_to_its_setting(
    typed: list[str], setting: str, say: Say
) -> None:
    status, out, err = say("train", "--preset", "demo", *typed)
    assert (status, out) == (2, "")
    assert f"write `{setting}`" in err
    assert len(err.splitlines()) == 2


def test_a_misspelt_model_is_named_as_it_was_typed(say: Say) -> None:
    status, _, err = say("train", "--preset", "demo", "--model", "painett")
    assert status == 2
    assert err.startswith("error: --model painett: no such model\ndid you mean painet? there are")


def test_no_hint_repeats_the_word_that_was_wrong(say: Say) -> None:
    status, _, err = say("train", "--preset", "demo", "--set", "model.eta=1", "--model", "egnn")
    assert status == 2
    assert "did you mean model.eta" not in err


def test_a_list_with_blanks_is_said_to_want_quotes(say: Say) -> None:
    status, _, err = say("train", "--preset", "demo", "--set", "features.node=speed,", "type")
    assert status == 2
    assert "wants quotes" in err
