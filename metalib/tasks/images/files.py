"""Image files as they are meant: whatever a file says about itself is honoured. One reader for `Folder` and for every lab.

Transparency is laid on paper, the orientation that a camera wrote down is followed, 16 bits become 8, of a moving picture the first
frame is taken. What is too large is refused from its header, before it is unpacked; pipes and devices are never opened.
"""
import io
from pathlib import Path

import numpy as np

from ...data import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
OTHERS = (".heic", ".heif", ".avif", ".jp2", ".svg", ".dng", ".cr2", ".nef", ".psd")    # seldom readable: named then
MOST_PIXELS = 50_000_000        # a camera's largest; 150 MB in colour. A small file can claim any size
FOREIGN = {"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"}


def is_image(file: Path) -> bool:
    """Does its name say that it is an image, and not one that a system left beside the others, such as ._1.png?"""
    return file.suffix.lower() in SUFFIXES + OTHERS and not file.name.startswith(".")


def is_class(folder: Path) -> bool:
    """Is it a folder of the user's, and not one that a system left there?"""
    return folder.is_dir() and not folder.name.startswith(".") and folder.name.lower() not in FOREIGN


def opened(source: Path | bytes):
    """A PIL image, its header read and found bearable.

    Raises DataError for what is no image, no regular file, or too large; the message says what it is, without its name.
    """
    from PIL import Image, UnidentifiedImageError
    if isinstance(source, Path) and not source.is_file():
        raise DataError("is no regular file")
    try:
        image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"is no whole image ({type(error).__name__})") from error
    image.filename = ""                 # or Pillow maps an uncompressed TIFF into memory, and a turned one with its sides exchanged
    if image.width * image.height > MOST_PIXELS:
        size = f"{image.width:,} x {image.height:,}"
        image.close()
        raise DataError(f"has {size} pixels, more than {MOST_PIXELS:,}")
    return image


def page(source: Path | bytes, side: int | None = None):
    """A file, or what is in it, as an upright PIL image in colours, 8 bits each, on white paper where it is transparent.

    `side`: pixels that will be needed, so that a large photograph is unpacked smaller. Raises DataError as `opened`, and for a file cut short.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError
    with opened(source) as image:
        try:
            if side is not None:
                image.draft("RGB", (2 * side, 2 * side))               # JPEG only; others ignore it
            image.seek(0)
            ImageOps.exif_transpose(image, in_place=True)              # a copy only where it is turned
            if image.mode.startswith(("I", "F")):                      # 16 or 32 bits a pixel
                image = Image.fromarray(eight_bits(np.asarray(image)))
            if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
                return on_paper(image.convert("RGBA"))
            return image.convert("RGB")
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
            raise DataError(f"is no whole image ({type(error).__name__})") from error


def eight_bits(values: np.ndarray) -> np.ndarray:
    """16 bits as their top 8, whatever is in them; 32 bits by how far they go: to 1, 255 or 65,535."""
    if values.dtype.itemsize == 2:
        return (values >> 8).astype(np.uint8)
    real, values = np.issubdtype(values.dtype, np.floating), np.nan_to_num(values.astype(np.float32), copy=False)
    most = values.max(initial=0)
    values *= 255 / 65_535 if most > 255 else 255 if real and most <= 1 else 1
    return values.round(out=values).clip(0, 255, out=values).astype(np.uint8)


def on_paper(image):
    """A transparent picture on white paper; on black, where on white there would be nothing to see."""
    from PIL import Image
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    if len(set(paper.getextrema())) == 1 and len(set(paper.getextrema()[0])) == 1:
        paper.paste("black", (0, 0, *image.size))
        paper.paste(image, mask=image.getchannel("A"))
    return paper


def light_paper(grey: np.ndarray) -> bool:
    """Is the border light, and so the paper? Grey values [height, width], 0 to 255."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return bool(np.median(border) > 127)


def is_drawing(grey: np.ndarray) -> bool:
    """Is it dark ink on light paper: a light border, and less than three tenths of the page dark? A photograph seldom is."""
    return light_paper(grey) and bool((grey < 128).mean() < 0.3)
