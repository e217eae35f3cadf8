"""Plain SVG: lines over a logarithmic axis, and dots in rows. No script, no font from elsewhere; a ground of its own, so that dark pages show it, too."""

from html import escape
from math import ceil, floor, log10

COLOURS = ("#0b6e99", "#c8553d", "#6a8d2f", "#7d4f9e")
INK, FAINT = "#222", "#ddd"


class Axis:
    """Values to pixels; logarithmic where it says so."""

    def __init__(self, least, most, start, end, logarithmic):
        self.scale = log10 if logarithmic else float
        self.least, self.most = self.scale(least), self.scale(most)
        self.start, self.end = start, end

    def at(self, value):
        share = (self.scale(value) - self.least) / ((self.most - self.least) or 1)
        return self.start + share * (self.end - self.start)


def text(x, y, words, anchor="middle", colour=INK, size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">{escape(words)}</text>'


def stroke(x1, y1, x2, y2, colour=FAINT, more=""):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" {more}/>'


def document(width, height, title, parts):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" role="img">'
        f'<title>{escape(title)}</title><rect width="100%" height="100%" fill="white"/>' + "\n".join(parts) + "</svg>\n"
    )


def short(value):
    if value < 1000:
        return f"{value:g}"
    power = floor_of(value)
    times = value / 10**power
    return ("" if times == 1 else f"{times:g}·") + "10" + str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def legend(names, x, y):
    parts = []
    for name, colour in zip(names, COLOURS):
        parts += [f'<circle cx="{x}" cy="{y - 4}" r="4" fill="{colour}"/>', text(x + 9, y, name, "start")]
        x += 26 + 7.5 * len(name)
    return parts


def lines(title, horizontal, panels, names):
    """Panels, two a row. A panel is (name, series, beside): series by name are [(x, mean, worst)], `beside` is [(x, value)], drawn dashed."""
    width, height, gap, head = 400, 250, 54, 60
    parts = [text(12, 22, title, "start", size=15), *legend(names, 12, 44)]
    for number, (name, series, beside) in enumerate(panels):
        left, top = number % 2 * width + gap, head + number // 2 * height + 26
        bottom = top + height - 80
        points = [point for some in series.values() for point in some]
        xs = sorted({point[0] for point in points})
        ys = [y for point in points for y in point[1:]] + [y for _, y in beside]
        least, most = min(ys), max(ys)
        step = 10 ** floor(log10(max(most - least, 1e-3)))
        step = next(s for s in (step / 5, step / 2, step, 2 * step) if (most - least) / s <= 6)
        least, most = floor(least / step) * step, ceil(most / step) * step
        if most == least:
            most += step
        across = Axis(xs[0], xs[-1], left, left + width - gap - 24, True)
        up = Axis(least, most, bottom, top, False)
        parts.append(text(left, top - 14, name, "start", size=13))
        for i in range(round((most - least) / step) + 1):
            y = least + i * step
            parts += [stroke(left, up.at(y), across.end, up.at(y)), text(left - 6, up.at(y) + 4, f"{y:.4g}", "end", size=11)]
        parts += [text(across.at(x), bottom + 16, short(x), size=11) for x in xs]
        parts.append(text((left + across.end) / 2, bottom + 36, horizontal))
        path = lambda some: " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in some)
        parts.append(f'<polyline points="{path(sorted(beside))}" fill="none" stroke="{INK}" stroke-dasharray="4 4"/>')
        for method, colour in zip(names, COLOURS):
            some = sorted(series.get(method, []))
            parts.append(f'<polyline points="{path([point[:2] for point in some])}" fill="none" stroke="{colour}" stroke-width="2"/>')
            for x, mean, worst in some:
                parts.append(stroke(across.at(x), up.at(mean), across.at(x), up.at(worst), colour))
                parts.append(f'<circle cx="{across.at(x):.1f}" cy="{up.at(mean):.1f}" r="3.5" fill="{colour}"/>')
    return document(2 * width, head + height * ceil(len(panels) / 2), title, parts)


def dots(title, horizontal, rows, names):
    """A row is (name, {method: (mean, worst)}, floor), the floor drawn as a bar; over a logarithmic axis."""
    width, left, top, step = 720, 130, 70, 26
    height = top + step * len(rows) + 46
    least = 10**-4
    rows = [(name, {m: [max(v, least) for v in pair] for m, pair in found.items()}, max(floor or least, least)) for name, found, floor in rows]
    values = [v for _, found, _ in rows for pair in found.values() for v in pair] + [floor for _, _, floor in rows]
    least, most = 10 ** floor_of(min(values)), 10 ** -floor_of(1 / max(values))
    across = Axis(least, most, left, width - 24, True)
    parts = [text(12, 22, title, "start", size=15), *legend(names, 12, 44)]
    decades = range(round(log10(least)), round(log10(most)) + 1)
    ticks = [m * 10.0**d for d in decades for m in (1, 2, 5) if least <= m * 10.0**d <= most * 1.001]
    for tick in ticks:
        parts += [stroke(across.at(tick), top - 10, across.at(tick), height - 40), text(across.at(tick), height - 24, f"{tick:g}", size=11)]
    parts.append(text((left + across.end) / 2, height - 6, horizontal))
    for number, (name, found, floor) in enumerate(rows):
        y = top + step * number + 6
        parts.append(text(left - 12, y + 4, name, "end"))
        parts.append(stroke(across.at(floor), y - 8, across.at(floor), y + 8, INK, 'stroke-width="2"'))
        for method, colour in zip(names, COLOURS):
            if method in found:
                mean, worst = (across.at(value) for value in found[method])
                parts += [stroke(mean, y, worst, y, colour), f'<circle cx="{mean:.1f}" cy="{y}" r="4.5" fill="{colour}"/>']
    return document(width, height, title, parts)


def floor_of(value):
    """The decade that a value stands in; nothing is below a ten-thousandth."""
    return floor(log10(max(value, 1e-4)))
