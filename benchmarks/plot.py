"""Line and point plots as SVG, with nothing but the standard library."""
import html
import math

COLOURS = ["#1f5fa8", "#c4501b", "#2f7d32", "#7b3fa0", "#8a6d00", "#00838f", "#ad1457", "#455a64",
           "#e57373", "#26a69a", "#9e9d24", "#3949ab", "#6d4c41", "#f9a825"]
LEFT, TOP, BOTTOM = 78, 44, 58


class Axis:
    """Maps values to pixels, linearly or by their logarithm, and knows where its ticks are."""

    def __init__(self, values, log, start, end, zero):
        values = list(values)
        self.log, self.start, self.end = log, start, end
        low, high = min(values), max(values)
        if log:
            self.low, self.high = math.log10(low), math.log10(high)
            margin = max(0.04 * (self.high - self.low), 0.04)
            self.low, self.high = self.low - margin, self.high + margin
        else:
            self.low = 0 if zero else low
            self.high = high + 0.06 * ((high - self.low) or 1)

    def __call__(self, value):
        if self.log:
            value = math.log10(value)
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self):
        if self.log:
            steps = (1, 2, 5) if self.high - self.low < 2.5 else (1,)
            powers = range(math.floor(self.low), math.ceil(self.high) + 1)
            ticks = [step * 10.0 ** power for power in powers for step in steps]
            return [t for t in ticks if self.low <= math.log10(t) <= self.high]
        span = self.high - self.low
        step = 10.0 ** math.floor(math.log10(span / 4))
        step *= next(m for m in (1, 2, 2.5, 5, 10) if span / (step * m) <= 7)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def text(value):
    """A number as a tick says it: no more digits than it needs."""
    if value == 0:
        return "0"
    if abs(value) >= 1e5 or abs(value) < 1e-3:
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:.10g}" if abs(value - round(value, 6)) < 1e-12 else f"{value:.3g}"


class Plot:
    def __init__(self, title, x, y, log_x=False, log_y=False, width=860, height=480, legend=210):
        self.title, self.x, self.y = title, x, y
        self.log_x, self.log_y = log_x, log_y
        self.width, self.height, self.legend = width, height, legend
        self.series = []

    def line(self, label, points, dashed=False, marks=True, colour=None):
        """Points joined by straight lines."""
        self.series.append(("line", label, sorted(points), dashed, marks, colour or self._next()))

    def dots(self, label, points, colour=None):
        """Points alone."""
        self.series.append(("dots", label, list(points), False, True, colour or self._next()))

    def _next(self):
        return COLOURS[len(self.series) % len(COLOURS)]

    def svg(self):
        points = [p for _, _, s, *_ in self.series for p in s]
        right = self.width - self.legend
        ax = Axis((p[0] for p in points), self.log_x, LEFT, right, zero=True)
        ay = Axis((p[1] for p in points), self.log_y, self.height - BOTTOM, TOP, zero=True)
        out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" font-family="sans-serif" font-size="12">',
            f'<rect width="{self.width}" height="{self.height}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="24" font-size="15" font-weight="bold" fill="#222">{html.escape(self.title)}</text>',
        ]
        for tick in ax.ticks():
            x = ax(tick)
            out.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{self.height - BOTTOM}" stroke="#e4e4e4"/>')
            out.append(f'<text x="{x:.1f}" y="{self.height - BOTTOM + 18}" text-anchor="middle" fill="#444">{text(tick)}</text>')
        for tick in ay.ticks():
            y = ay(tick)
            out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#e4e4e4"/>')
            out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#444">{text(tick)}</text>')
        out.append(f'<rect x="{LEFT}" y="{TOP}" width="{right - LEFT}" height="{self.height - BOTTOM - TOP}" '
                   'fill="none" stroke="#888"/>')
        middle = (TOP + self.height - BOTTOM) / 2
        out.append(f'<text x="{(LEFT + right) / 2:.1f}" y="{self.height - 14}" text-anchor="middle" fill="#222">{html.escape(self.x)}</text>')
        out.append(f'<text transform="translate(20 {middle:.1f}) rotate(-90)" text-anchor="middle" fill="#222">{html.escape(self.y)}</text>')
        for place, (kind, label, series, dashed, marks, colour) in enumerate(self.series):
            if kind == "line":
                path = " ".join(f"{ax(x):.1f},{ay(y):.1f}" for x, y in series)
                dash = ' stroke-dasharray="6 4"' if dashed else ""
                out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
            if marks:
                for x, y in series:
                    out.append(f'<circle cx="{ax(x):.1f}" cy="{ay(y):.1f}" r="4" fill="{colour}"><title>'
                               f'{html.escape(label)}: {text(x)}, {y:.4g}</title></circle>')
            y = TOP + 10 + 20 * place
            if kind == "line":
                dash = ' stroke-dasharray="6 4"' if dashed else ""
                out.append(f'<line x1="{right + 14}" y1="{y}" x2="{right + 38}" y2="{y}" stroke="{colour}" stroke-width="2"{dash}/>')
            if marks:
                out.append(f'<circle cx="{right + 26}" cy="{y}" r="4" fill="{colour}"/>')
            out.append(f'<text x="{right + 46}" y="{y + 4}" fill="#222">{html.escape(label)}</text>')
        return "\n".join(out + ["</svg>"]) + "\n"

    def write(self, path):
        path.write_text(self.svg())
