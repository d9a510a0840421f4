"""Upload a finished release to a model hub; the one place that sends anything away from this machine."""

from __future__ import annotations

import os
from pathlib import Path

from embedtune.config.redaction import first_line
from embedtune.errors import ReleaseError

TOKEN = "HF_TOKEN"
"""Environment variable; a token on a command line would be seen by others and kept in records."""


def push_problems(repository: str | None) -> list[str]:
    """Obstacles to ``release.push_to_hub`` that are visible before anything is measured: no token."""
    if repository is None or os.environ.get(TOKEN):
        return []
    return [
        f"release.push_to_hub must find a token that may write in {TOKEN}, but it is not set. "
        f"Set it in the environment: export {TOKEN}=..."
    ]


def push_to_hub(folder: Path, repository: str, *, message: str) -> str:
    """Upload a release folder as one commit; a repository that does not exist is made, for its owners only.

    Files that the repository has already, and the release has not, stay.

    Args:
        folder: The release: it holds nothing but files on a list.
        repository: ``ORGANISATION/NAME``.
        message: Of the commit.

    Returns:
        The address of the commit.

    Raises:
        ReleaseError: The hub refused, or cannot be reached.
    """
    from huggingface_hub import HfApi

    token = os.environ.get(TOKEN) or False  # False: nor one that lies in a file
    api = HfApi(token=token)
    try:
        api.create_repo(repository, private=True, exist_ok=True)
        return str(api.upload_folder(repo_id=repository, folder_path=folder, commit_message=message).commit_url)
    except Exception as error:  # the client lets errors of its HTTP library through, which is another in each version
        reason = first_line(error).strip() or type(error).__name__
        raise ReleaseError(
            f"release.push_to_hub must be a repository that takes the release, but {repository} did not ({reason}). "
            f"The release is whole in {folder}. Upload it later: hf upload {repository} '{folder}'"
        ) from error
