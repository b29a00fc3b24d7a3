"""
Charts as PNG, by Pillow: the only module that needs it.
"""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from euca_tw.sim.plots import FONT_SIZE, HEIGHT, WIDTH, Chart, Stroke

#: It is drawn so many times as large, and then made smaller: so lines are smooth.
_OVER = 4
#: Pixels of the file to one of the chart.
_SCALE = 2
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def png(chart: Chart) -> bytes:
    """A file's content; the same each time, with one version of Pillow."""
    size = WIDTH * _OVER, HEIGHT * _OVER
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(FONT_SIZE * _OVER)
    for mark in chart.marks():
        if isinstance(mark, Stroke):
            points = [(x * _OVER, y * _OVER) for x, y in mark.points]
            draw.line(points, fill=mark.colour, width=_OVER, joint="curve")
        else:
            x, y = mark.at
            draw.text(
                (x * _OVER, y * _OVER),
                mark.text,
                fill=mark.colour,
                font=font,
                anchor=_ANCHORS[mark.anchor],
            )
    written = BytesIO()
    smaller = image.resize((WIDTH * _SCALE, HEIGHT * _SCALE), Image.Resampling.LANCZOS)
    smaller.save(written, "PNG", optimize=True)
    return written.getvalue()
