"""How labs look, and how a picture becomes a PNG quickly."""
from __future__ import annotations

import struct
import zlib

import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor, nn

from ...figures import BLACK, BLUE, GREEN, GREY, ORANGE, PALE, PURPLE, RED, SKY, YELLOW    # one palette for the whole course
from .quick import Pixels

__all__ = ["BLACK", "BLUE", "DPI", "GREEN", "GREY", "ORANGE", "PALE", "PURPLE", "RED", "SKY", "STYLE", "YELLOW", "bands",
           "canvas", "encode", "said", "sheet"]

STYLE = {"font.size": 10.5, "axes.titlesize": 11, "axes.labelsize": 10.5, "legend.fontsize": 9.5, "legend.frameon": False,
         "xtick.labelsize": 9.5, "ytick.labelsize": 9.5, "axes.spines.top": False, "axes.spines.right": False,
         "axes.titlelocation": "left", "axes.edgecolor": GREY, "lines.linewidth": 1.8, "mathtext.fontset": "dejavusans"}
DPI = 100


def canvas(axes, left: float, bottom: float, right: float, top: float):
    """A picture over a rectangle of `axes`, and a function that paints images [1 or 3, h, w] on it, the first row at the bottom.

    Enlarged here and put on the figure pixel by pixel: `imshow` takes ten times as long.
    """
    (x0, y0), (x1, y1) = axes.transData.transform([(left, bottom), (right, top)]).round().astype(int)
    picture = Pixels(axes.figure, np.full((y1 - y0, x1 - x0, 4), 255, np.uint8), x0, y0)

    def paint(image: Tensor) -> None:
        small = torch.full((*image.shape[1:], 4), 255, dtype=torch.uint8)                 # as bytes, channels last: a tenth of the time
        small[..., :3] = (255 * image.clamp(0, 1)).byte().permute(1, 2, 0)
        large = nn.functional.interpolate(small.permute(2, 0, 1)[None], size=(y1 - y0, x1 - x0), mode="bilinear")
        picture.set_data(large[0].permute(1, 2, 0).numpy())
    return picture, paint


def sheet(axes):
    """A picture over all of `axes`, and a function that paints RGB or RGBA images on it [h, w, 3 or 4], uint8, the first row on top.

    Each becomes a rectangle of the figure's pixels.
    """
    axes.apply_aspect()
    (x0, y0), (x1, y1) = axes.transAxes.transform([(0, 0), (1, 1)]).round().astype(int)
    pixels = np.full((y1 - y0, x1 - x0, 4), 255, np.uint8)
    picture = Pixels(axes.figure, pixels, x0, y0)

    def paint(image: np.ndarray) -> None:
        rows, columns = (np.linspace(0, n, size, endpoint=False).astype(int) for n, size in zip(image.shape, pixels.shape[:2]))
        pixels[..., :image.shape[2]] = image[rows[::-1, None], columns]
        picture.set_data(pixels)
    return picture, paint


def bands(axes, n_bands: int):
    """A picture over all of `axes`, and a function that paints a height >= 0 on it [h, w], the first row at the bottom.

    From blue at zero to white at the largest in `n_bands` steps; each height becomes a rectangle of pixels.
    """
    picture, paint_pixels = sheet(axes)
    tints = LinearSegmentedColormap.from_list("paper", ["#9FC3DE", "#FFFFFF"])(np.linspace(0, 1, n_bands), bytes=True)

    def paint(height: Tensor) -> None:
        paint_pixels(tints[(height.flip(0) / height.max() * (n_bands - 1e-6)).long().numpy()])
    return picture, paint


def encode(pixels: np.ndarray, level: int) -> bytes:
    """RGBA pixels [height, width, 4], uint8 -> a PNG without line filters: on flat colours half the time of PIL's.

    Arguments:
        level: of compression, 0 to 9; 1 is quickest to make and to send.

    Reference: https://www.w3.org/TR/png-3/, sections 5 and 11.
    """
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 4 * width), np.uint8)            # a line starts with the number of its filter: 0, none
    rows[:, 1:] = pixels.reshape(height, -1)                      # dropping the alpha channel costs more than packing it

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">2I5B", width, height, 8, 6, 0, 0, 0)   # 8 bits, RGBA
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, level)) + chunk(b"IEND", b"")


def said(value: float) -> str:
    """A number for a sentence: two digits after the point where they mean something, never NaN."""
    if not np.isfinite(value) or abs(value) >= 1_000:
        return "beyond 1000"
    value = value + 0.0 if abs(value) >= 0.005 else 0.0           # no minus before a zero
    text = f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return text.replace("-", "−")
