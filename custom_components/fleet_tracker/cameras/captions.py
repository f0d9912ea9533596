"""Texts on pictures, in a font that has their letters."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
import unicodedata

from PIL import Image, ImageDraw, ImageFont, features

SIZE = (640, 360)
LARGEST = (1280, 1280)
LINES_ACROSS = 20
"""How many lines of text a picture is wide."""
SYSTEM_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "Arial.ttf",
)
"""Fonts that may be installed. Home Assistant's own image has none of them, and the font of
Pillow has the letters A to Z alone."""
_NO_CHARACTER = "\uffff"
_PLAIN = str.maketrans(
    {
        "\N{LATIN SMALL LETTER SHARP S}": "ss",
        "\N{LATIN SMALL LETTER AE}": "ae",
        "\N{LATIN CAPITAL LETTER AE}": "AE",
        "\N{LATIN SMALL LETTER O WITH STROKE}": "o",
        "\N{LATIN CAPITAL LETTER O WITH STROKE}": "O",
        "\N{LATIN SMALL LETTER D WITH STROKE}": "d",
        "\N{LATIN CAPITAL LETTER D WITH STROKE}": "D",
        "\N{LATIN SMALL LETTER L WITH STROKE}": "l",
        "\N{LATIN CAPITAL LETTER L WITH STROKE}": "L",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{DOUBLE LOW-9 QUOTATION MARK}": '"',
    }
)

type Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def caption(picture: bytes | None, *texts: str) -> bytes:
    """Return a JPEG: a text on a darkened picture, or on grey without one.

    The text is the first that a font can draw, such as a translation before the English.
    """
    image = (picture and _open(picture)) or Image.new("RGB", SIZE, "grey")
    image = image.point(lambda value: value // 3)
    text, font = choose(texts, image.width / LINES_ACROSS)
    ImageDraw.Draw(image).multiline_text(
        (image.width / 2, image.height / 2),
        "\n".join(_lines(text, font, image.width * 0.9)),
        fill="white",
        font=font,
        anchor="mm",
        align="center",
    )
    file = BytesIO()
    image.save(file, "JPEG")
    return file.getvalue()


def choose(texts: tuple[str, ...], size: float) -> tuple[str, Font]:
    """Return the first text that a font can draw, with that font.

    A text whose accents no font has is drawn without them. The last text is drawn anyway.
    """
    fonts = list(_fonts(size))
    for text in texts:
        whole = unicodedata.normalize("NFC", text)
        for form in (whole, _without_accents(whole)):
            for font in fonts:
                if _can_draw(font, form):
                    return form, font
    return texts[-1], fonts[0]


def _fonts(size: float) -> Iterator[Font]:
    yield ImageFont.load_default(size)
    for name in SYSTEM_FONTS:
        try:
            yield ImageFont.truetype(name, size)
        except OSError:
            continue


def _without_accents(text: str) -> str:
    parts = unicodedata.normalize("NFD", text.translate(_PLAIN))
    return "".join(one for one in parts if not unicodedata.combining(one))


def _can_draw(font: Font, text: str) -> bool:
    """Tell whether a font has all letters, and whether they can be put in order."""
    missing = bytes(font.getmask(_NO_CHARACTER))
    if any(bytes(font.getmask(one)) == missing for one in set(text) if one.strip()):
        return False
    return features.check("raqm") or not any(map(_needs_shaping, text))


def _needs_shaping(character: str) -> bool:
    """Tell whether a character joins others, or is written from right to left."""
    return unicodedata.category(character).startswith("M") or (
        unicodedata.bidirectional(character) in ("R", "AL")
    )


def _lines(text: str, font: Font, width: float) -> list[str]:
    """Return a text in lines, which break between words or, if need be, within them."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        lines.append("")
        for character in word:
            if lines[-1] and font.getlength(lines[-1] + character) > width:
                lines.append("")
            lines[-1] += character
    return [line for line in lines if line]


def _open(picture: bytes) -> Image.Image | None:
    """Return a picture, not larger than it need be; None where it cannot be read."""
    try:
        image = Image.open(BytesIO(picture))
        image.thumbnail(LARGEST)
        return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
