"""Where secrets come from, and that what comes back of them is hidden."""

from pathlib import Path

import pytest

from streams.secrets import Secrets, UnknownSecretError, hide
from streams.settings import Settings


def test_the_environment_comes_before_the_folder(tmp_path: Path) -> None:
    (tmp_path / "api_token").write_text("of the folder\n")
    (tmp_path / "other").write_text("another\n\n")
    secrets = Secrets({"WEIR_SECRET_API_TOKEN": "of the environment", "WEIR_CLOCK": "wall"}, tmp_path)
    assert secrets.value("api_token") == "of the environment"
    assert secrets.value("other") == "another\n"
    assert secrets.all() == {"of the environment", "of the folder", "another\n"}
    (tmp_path / "other").write_text("a new one")
    assert secrets.value("other") == "a new one"


def test_dot_env_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("WEIR_SECRET_A=written\nWEIR_SECRET_B=written\n")
    monkeypatch.setenv("WEIR_SECRET_B", "given")
    secrets = Secrets.of(Settings(_env_file=None))
    assert (secrets.value("a"), secrets.value("b")) == ("written", "given")


@pytest.mark.parametrize("folder", [None, Path("/nowhere")])
def test_one_that_is_not_there_says_how_to_give_it(folder: Path | None) -> None:
    with pytest.raises(UnknownSecretError, match=r"Set WEIR_SECRET_API_TOKEN where .* WEIR_SECRETS_DIR"):
        Secrets({"WEIR_SECRET_API_TOKEN": ""}, folder).value("api_token")


def test_what_repeats_a_secret_is_hidden_in_every_spelling() -> None:
    secret = 'a b"c/d'
    output = {"body": [f"Bearer {secret}!", {"k " + secret: "a%20b%22c%2Fd"}], "json": 'x a b\\"c/d', "n": 5}
    assert hide(output, [secret]) == {"body": ["Bearer ***!", {"k ***": "***"}], "json": "x ***", "n": 5}
    assert hide("abcabc ab", ["ab", "abc"]) == "****** ***"


@pytest.mark.parametrize("kept", [4, 8, 11, 15])
def test_what_was_cut_within_a_secret_is_hidden(kept: int) -> None:
    secret = "0123456789abcdef"
    assert hide(f"answered 500: Bearer {secret[:kept]}", [secret]) == "answered 500: Bearer ***"


def test_half_a_secret_is_hidden_wherever_it_stands() -> None:
    secret = "0123456789abcdef"
    assert hide("http://h/012345678 answered 500: no", [secret]) == "http://h/*** answered 500: no"
    assert hide("http://h/0123456 answered", [secret]) == "http://h/0123456 answered"
    assert hide("ends with 012", [secret]) == "ends with 012"
