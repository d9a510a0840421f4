"""The command line as typed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import reduce
from typing import Any, cast

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from embedtune.config.grammar import parse
from embedtune.config.redaction import PASSED_ON, redact_text, redact_url


def typed_keys() -> list[str]:
    """The keys and groups that were typed, those of Hydra too."""
    return [override.partition("=")[0].lstrip("+~") for override in (*_typed("task"), *_typed("hydra"))]


def typed_command(name: str) -> str:
    """The command as typed, for records: its name and its overrides, without secrets."""
    return redact_text(shlex.join(["embedtune", *([name] if name else []), *map(_redacted, _typed("task"))]))


def hand_over(line: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The typed words for another process: addresses with secrets go by its environment, not by its arguments.

    Anybody on a machine may read the arguments of its processes.

    Returns:
        The words, in which an interpolation stands for each such address; and the variables these name.
    """
    words: list[str] = []
    environment: dict[str, str] = {}
    for word in line:
        secret = _secret_in(word)
        if secret is not None:
            variable = f"{PASSED_ON}{len(environment)}"
            environment[variable] = secret
            word = f"{word.partition('=')[0]}=${{oc.env:{variable}}}"
        words.append(word)
    return words, environment


def referring(master: DictConfig, environment: Mapping[str, str]) -> DictConfig:
    """A composed configuration for launchers, which write it to files: for addresses with secrets it names variables.

    Args:
        master: What Hydra composed for a sweep.
        environment: From :func:`hand_over`, and set; addresses that were not typed are added to the environment.
    """
    found = deepcopy(master)
    variables = {address: variable for variable, address in environment.items()}
    OmegaConf.set_readonly(found.hydra, False)
    with open_dict(found):
        for place, text in _texts(OmegaConf.to_container(found)):
            if (told := _told(text, variables)) != text:
                reduce(lambda node, key: node[key], place[:-1], cast(Any, found))[place[-1]] = told
    return found


def _texts(node: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """The texts of a tree that hold an address, and where they are; an interpolation holds none."""
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _texts(value, (*place, key))
    elif isinstance(node, str) and "://" in node and "${" not in node:
        yield place, node


def _told(text: str, variables: dict[str, str]) -> str:
    for address, variable in variables.items():
        text = text.replace(address, f"${{oc.env:{variable}}}")
    if "=" in text.partition("://")[0] or "${" in text or redact_url(text) == text:
        return redact_text(text)
    variables[text] = variable = f"{PASSED_ON}{len(variables)}"
    os.environ[variable] = text
    return f"${{oc.env:{variable}}}"


def _secret_in(word: str) -> str | None:
    """The address that an override sets, if it holds a secret; a sweep and an interpolation are no address."""
    if "://" not in word or "=" not in word.partition("://")[0] or "${" in word:
        return None
    (override,) = parse([word])
    value = None if override.is_sweep_override() else override.value()
    text = getattr(value, "text", value)  # a quoted text is one of Hydra's own type
    return text if isinstance(text, str) and "://" in text and redact_url(text) != text else None


def _redacted(override: str) -> str:
    key, equals, value = override.partition("=")
    return f"{key}{equals}{redact_url(value)}"


def _typed(part: str) -> list[str]:
    """Overrides as they were typed; an interpolation in them is not followed."""
    if not HydraConfig.initialized():
        return []
    overrides = OmegaConf.to_container(getattr(HydraConfig.get().overrides, part))
    return [str(override) for override in overrides] if isinstance(overrides, list) else []
