"""Texts on the picture that a camera shows while there is no live view."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageFont
import pytest

from custom_components.fleet_tracker.cameras import captions
from custom_components.fleet_tracker.cameras.captions import (
    LARGEST,
    SIZE,
    caption,
    choose,
)

TEXT = "The vehicle is offline. It will be back some time, perhaps soon."


def photo(size: tuple[int, int]) -> bytes:
    """Return a white photo."""
    file = BytesIO()
    Image.new("RGB", size, "white").save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("picture", "size"),
    [
        (photo((160, 96)), (160, 96)),
        (photo((4000, 2000)), (LARGEST[0], LARGEST[0] // 2)),
        (photo((160, 96))[:200], SIZE),
        (b"<html>502</html>", SIZE),
        (None, SIZE),
    ],
)
def test_caption(picture: bytes | None, size: tuple[int, int]) -> None:
    """A text across the middle, on what is there of a picture; the edges stay free."""
    with Image.open(BytesIO(caption(picture, TEXT))) as image:
        assert image.format == "JPEG"
        assert image.size == size
        grey = image.convert("L")
    width, height = size
    middle = grey.crop((0, height // 3, width, height * 2 // 3))
    _, brightest = middle.getextrema()
    assert isinstance(brightest, int)
    assert brightest > 200
    for edge in (0, width - 2):
        _, brightest = grey.crop((edge, 0, edge + 2, height)).getextrema()
        assert isinstance(brightest, int)
        assert brightest < 100


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("The vehicle is offline", "The vehicle is offline"),
        ("Gerät fährt – großes Übel", "Gerat fahrt - grosses Ubel"),
        ("Ge\u0301rat", "Gerat"),
        ("Pojazd łączy się", "Pojazd laczy sie"),
        ("车辆离线", "Offline"),
        ("المركبة غير متصلة", "Offline"),
    ],
)
def test_letters_that_no_font_has(
    monkeypatch: pytest.MonkeyPatch, text: str, drawn: str
) -> None:
    """Without fonts of the system accents are left out; other alphabets become English."""
    monkeypatch.setattr(captions, "SYSTEM_FONTS", ("no-such-font.ttf",))
    assert choose((text, "Offline"), 20)[0] == drawn


def test_font_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """A font that has the letters draws them as they are."""
    own, rich = ImageFont.load_default(20), ImageFont.load_default(21)
    monkeypatch.setattr(captions, "_fonts", lambda _size: iter((own, rich)))
    monkeypatch.setattr(captions, "_can_draw", lambda font, _text: font is rich)
    assert choose(("Gerät", "Device"), 20) == ("Gerät", rich)


def test_text_without_spaces() -> None:
    """A text that cannot be broken between words stays within the picture."""
    with Image.open(BytesIO(caption(None, "x" * 90))) as image:
        grey = image.convert("L")
    _, brightest = grey.crop((0, 0, 2, SIZE[1])).getextrema()
    assert isinstance(brightest, int)
    assert brightest < 100


@pytest.mark.parametrize(("can_shape", "drawn"), [(True, "שלום"), (False, "Offline")])
def test_letters_from_right_to_left(
    monkeypatch: pytest.MonkeyPatch, can_shape: bool, drawn: str
) -> None:
    """A font with the letters is not enough where they cannot be put in order."""

    class FontWithEverything:
        def getmask(self, text: str) -> bytes:
            return text.encode()

    monkeypatch.setattr(captions, "_fonts", lambda _size: iter((FontWithEverything(),)))
    monkeypatch.setattr(captions.features, "check", lambda _feature: can_shape)
    assert choose(("שלום", "Offline"), 20)[0] == drawn
