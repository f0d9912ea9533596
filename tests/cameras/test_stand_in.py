"""The picture that a camera shows where there is no live view."""

from __future__ import annotations

from io import BytesIO

from PIL import Image
import pytest

from custom_components.fleet_tracker.cameras.stand_in import LARGEST, SIZE, caption

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
