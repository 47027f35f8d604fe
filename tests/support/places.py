"""Where the tools are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / 'tools'
