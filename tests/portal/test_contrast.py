"""The stylesheet's colours against WCAG 2.2 AA, measured; and no colour outside its variables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLESHEET = Path(__file__).resolve().parents[2] / "static" / "portal" / "portal.css"
TEMPLATES = STYLESHEET.parents[2] / "templates"
TEXT = STYLESHEET.read_text(encoding="utf-8")
COLOURS = {
    name: (light, dark)
    for name, light, dark in re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", TEXT)
}
SURFACES = ("bg", "surface", "sunken")
PAIRS = [(ink, ground) for ink in ("text", "muted", "faint") for ground in SURFACES]
PAIRS += [(name, ground) for name in ("accent", "ok", "warn", "bad", "info") for ground in SURFACES]
PAIRS += [(name, f"{name}-soft") for name in ("accent", "ok", "warn", "bad", "info", "plan")]
PAIRS += [("on-accent", "accent"), ("on-accent", "accent-strong"), ("on-accent", "bad"), ("text", "accent-soft")]


def luminance(colour: str) -> float:
    """Relative luminance, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_holds_4_5_to_1_on_its_ground(ink: str, ground: str, theme: int) -> None:
    assert contrast(COLOURS[ink][theme], COLOURS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", SURFACES)
def test_the_edge_of_a_field_holds_3_to_1(ground: str, theme: int) -> None:
    assert contrast(COLOURS["edge"][theme], COLOURS[ground][theme]) >= 3


def test_colours_are_written_only_as_variables() -> None:
    rules = re.sub(r"/\*.*?\*/", "", TEXT.partition("/* 2. Ground */")[2], flags=re.DOTALL)
    values = " ".join(re.findall(r":([^;{}]*)[;}]", rules))
    literal = (
        r"#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|oklch|light-dark)\(|\b(?:white|black|red|gr[ae]y|blue|green|orange)\b"
    )
    assert re.findall(literal, values) == []


def test_no_template_has_a_style_or_a_script_of_its_own() -> None:
    """The content policy would refuse it."""
    found = [
        f"{path.name}: {part}"
        for path in sorted(TEMPLATES.rglob("*.html"))
        for part in re.findall(
            r"\sstyle=|<style|<script(?![^>]*\ssrc=)|\son(?:click|change|input|key\w+|load|submit)=",
            path.read_text(encoding="utf-8"),
        )
    ]
    assert found == []
