"""No secret of an address is shown, whatever letters it has and wherever it stands."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedtune.config import redaction
from embedtune.config.redaction import (
    PASSED_ON,
    RedactedFormatter,
    hide,
    redact,
    redact_text,
    redact_url,
    remember_secrets,
)

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/#?@: %'\"&=;\\+,ü~"
SECRETS = st.text(LETTERS, min_size=6, max_size=30).map(lambda text: f"Q{text}Z")
"""None of their capital letters stands in the rest of an address."""
KINDS = st.sampled_from(["http", "https", "postgresql+psycopg", "hf"])


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    redaction._known.clear()
    redaction._pattern.clear()


def capitals(text: str) -> set[str]:
    return {letter for letter in text if letter.isupper() or letter.isdigit()}


@settings(deadline=None, max_examples=300)
@given(KINDS, SECRETS, SECRETS, SECRETS)
def test_no_letter_of_a_secret_remains_in_an_address(kind: str, user: str, password: str, token: str) -> None:
    for url in (
        f"{kind}://{user}:{password}@host/base",
        f"{kind}://{user}@host/base?token={token}",
        f"{kind}://{user}:{password}@host/base?a={token}&sig={token}#{token}",
        f"{kind}://host/base?sig={token}",
        f"{kind}://{quote(user, safe='')}:{quote(password, safe='')}@host/base",
    ):
        shown = redact_url(url)
        assert capitals(shown) == set(), (url, shown)
        assert shown.startswith(f"{kind}://")
        assert redact_url(shown) == shown
        assert capitals(str(redact({"uri": [url]}))) == set()


@settings(deadline=None, max_examples=200)
@given(KINDS, SECRETS, st.booleans())
def test_no_known_secret_remains_in_any_text(kind: str, password: str, encoded: bool) -> None:
    url = f"{kind}://anna:{quote(password, safe='') if encoded else password}@host/base"
    redaction._known.clear()
    remember_secrets([url])
    for text in (f"cannot reach {url}: gone", f"password {password} is wrong", f"got {password!r}", f"{[url]}"):
        assert password not in redact_text(text)
        assert quote(password, safe="") not in redact_text(text)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://anna:ge@heim@db:5432/optuna", "postgresql+psycopg://***@db:5432/optuna"),
        ("postgresql://anna:ge/h#im@db/optuna", "postgresql://***"),  # is "h#im@db" of the query? nobody can tell
        ("postgresql://anna:ge /heim@db/optuna", "postgresql://***@db/optuna"),
        ("postgresql://db/optuna?user=anna&password=geheim", "postgresql://db/optuna?user=***"),
        ("postgresql://db/optuna?password=ge@heim", "postgresql://***"),
        ("sqlite:////home/anna@work/x.db", "sqlite:////home/anna@work/x.db"),
        ("http://host:5000/#/experiments/1/runs?mode=x", "http://host:5000/#/experiments/1/runs?mode=x"),
        ("http://host:5000", "http://host:5000"),
    ],
)
def test_an_address_is_read_from_the_right(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_an_address_that_was_cut_shows_neither_half_of_its_password() -> None:
    assert redact_text("got http://anna:gehei ... eheim@host. Try again") == "got http://*** ... host. Try again"


def test_secrets_of_the_environment_are_known() -> None:
    remember_secrets(
        environment={
            "HF_TOKEN": "hf_geheim1", f"{PASSED_ON}0": "http://u:ganz%20geheim@host", "HOME": "/x",
            "PGPASSWORD": "pg-1", "OPENAI_API_KEY": "sk-geheim", "https_proxy": "http://u:proxy-1@host",
            "TOKENIZERS_PARALLELISM": "false-1",
            "DB_PASSWORD_FILE": "/run/secrets",
        }
    )  # fmt: skip
    assert hide({"a": ["hf_geheim1 in /x", "ganz geheim", 1]}) == {"a": ["*** in /x", "***", 1]}
    assert hide("pg-1 sk-geheim proxy-1 false-1 /run/secrets") == "*** *** *** false-1 /run/secrets"


def test_a_short_plain_word_is_no_secret_elsewhere() -> None:
    remember_secrets(["postgresql://anna:test@db/x?connect_timeout=10"])
    assert redact_text("the test split of anna has 10 rows") == "the test split of anna has 10 rows"
    assert redact_text("at postgresql://anna:test@db/x") == "at postgresql://***@db/x"


def test_a_log_line_is_redacted_with_its_arguments_and_its_traceback() -> None:
    remember_secrets(["http://anna:p%2Fss@host"])
    try:
        raise ValueError("p/ss is wrong at http://anna:p%2Fss@host")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "at %s", ("http://a:b@c",), sys.exc_info())
    line = RedactedFormatter("%(message)s").format(record)
    assert "at http://***@c" in line
    assert "ValueError: *** is wrong at http://***@host" in line
    assert "p/ss" not in line.replace(__file__, "")


def test_the_working_directory_is_no_secret() -> None:
    remember_secrets(environment={"PWD": "/some/folder of mine", "OLDPWD": "/another/one of mine"})
    assert hide("/some/folder of mine/x /another/one of mine/y") == "/some/folder of mine/x /another/one of mine/y"
