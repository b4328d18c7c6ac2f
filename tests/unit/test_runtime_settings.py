"""Settings are what the environment says and nothing else; what is wrong with them is named."""

from pathlib import Path

import pytest

from services.runtime.errors import Misconfigured
from services.runtime.settings import load

COMPLETE = {
    "RENKEI_KAFKA": "127.0.0.1:9092",
    "RENKEI_POSTGRES": "postgresql://127.0.0.1:5432/postgres",
    "RENKEI_PASSWORDS": "/secrets",
    "RENKEI_KEYS": "/keys",
    "RENKEI_KEY_ENCRYPTION_KEY": "/key",
    "RENKEI_ROOTS": "/roots.json",
    "RENKEI_HTTP": "8080",
    "PATH": "/usr/bin",
}


def test_a_complete_environment() -> None:
    """Texts become paths and numbers; what has a default may be left out; others' variables are no matter."""
    settings = load(COMPLETE)
    assert (settings.kafka, settings.passwords, settings.http) == ("127.0.0.1:9092", Path("/secrets"), 8080)
    assert (settings.patience, settings.grace, settings.log_level) == (60, 3600, "info")
    assert load(COMPLETE | {"RENKEI_GRACE": "0"}).grace == 0
    assert load(COMPLETE | {"RENKEI_PATIENCE": "0.5"}).patience == 0.5


def test_the_environment_given_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is added from the process's own environment; without a given one that is what counts."""
    monkeypatch.setenv("RENKEI_KAFKA", "elsewhere:1")
    with pytest.raises(Misconfigured, match="RENKEI_KAFKA: Field required"):
        load({name: value for name, value in COMPLETE.items() if name != "RENKEI_KAFKA"})
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RENKEI_KAFKA", "elsewhere:1")
    monkeypatch.delenv("RENKEI_TEST_CONTAINERS", raising=False)
    assert load().kafka == "elsewhere:1"


def test_an_unknown_variable_is_an_error() -> None:
    """With our prefix it is likely misspelt; the message lists those that there are."""
    with pytest.raises(Misconfigured, match=r"unknown settings: RENKEI_KAFAK; known are RENKEI_GRACE, RENKEI_HTTP,"):
        load(COMPLETE | {"RENKEI_KAFAK": "x"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP", "http"),
        ("HTTP", "65536"),
        ("PATIENCE", "0"),
        ("PATIENCE", "-1"),
        ("GRACE", "-1"),
        ("GRACE", "inf"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_named_and_not_repeated(name: str, value: str) -> None:
    """Every wrong variable by its name; never its value, which may be a secret."""
    with pytest.raises(Misconfigured, match=f"RENKEI_{name}: Input should be") as caught:
        load(COMPLETE | {f"RENKEI_{name}": value, "RENKEI_KAFKA": "secret"})
    assert "secret" not in str(caught.value)


def test_a_password_is_in_its_file(tmp_path: Path) -> None:
    """One file a role, without the line's end; a missing file is named by its role."""
    (tmp_path / "renkei_hub").write_text("hunter2\n")
    settings = load(COMPLETE | {"RENKEI_PASSWORDS": str(tmp_path)})
    assert settings.password("renkei_hub") == "hunter2"
    with pytest.raises(Misconfigured, match="no password file for role renkei_crypto: No such file"):
        settings.password("renkei_crypto")
