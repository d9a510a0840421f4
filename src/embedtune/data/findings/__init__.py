"""What a careful reader would find in the data before training on it."""

from embedtune.data.findings.examine import examine
from embedtune.data.findings.finding import Finding, findings_of

__all__ = ["Finding", "examine", "findings_of"]
