"""Turns results.json into a table and plots: `report.py FOLDER`."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

from tables import row, short

mpl.use("Agg")
from matplotlib import pyplot as plt

Found = dict[str, Any]
Shape = tuple[int, int]

OUR_COLOURS = ("#0b6e4f", "#5fb49c")
DURABLE_COLOURS = ("#c8553d", "#e09f3e", "#8d6a9f", "#3d5a80")
WEAK_COLOURS = ("#d9c4b8", "#e8d8b0", "#c9ced6")
LIMITED = 0.9  # of the load's core: from here on the load generator is the limit


def closed(found: Found) -> dict[str, dict[Shape, list[dict[str, Any]]]]:
    """Return the runs of the closed loop, by subject and shape."""
    runs: dict[str, dict[Shape, list[dict[str, Any]]]] = {}
    for run in found["results"]:
        if run["rate"] is None:
            shape = (run["workers"], run["batchsize"])
            runs.setdefault(run["subject"], {}).setdefault(shape, []).append(run)
    return runs


def paced(found: Found) -> dict[str, list[dict[str, Any]]]:
    """Return the runs of the open loop, by subject."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for run in found["results"]:
        if run["rate"] is not None:
            runs.setdefault(run["subject"], []).append(run)
    return runs


def median(runs: list[dict[str, Any]], key: str = "msgs_per_s") -> float:
    """Return the median of one figure."""
    return statistics.median(run[key] for run in runs)


def spread(runs: list[dict[str, Any]]) -> float:
    """Return how far the furthest run is from the median, as a share of it."""
    rates = [run["msgs_per_s"] for run in runs]
    middle = statistics.median(rates)
    return max(abs(rate - middle) for rate in rates) / middle if middle else 0.0


def cell(runs: list[dict[str, Any]]) -> str:
    """Write the median, its spread, and whether the load generator was the limit."""
    if median(runs) == 0:
        return "none"
    star = "\\*" if median(runs, "load_share") > LIMITED else ""
    return f"{short(median(runs))} ±{spread(runs):.0%}{star}"


def throughput_table(found: Found) -> str:
    """Write msgs a second, and what Pena's are in terms of the peers'."""
    runs = closed(found)
    shapes = sorted({shape for by_shape in runs.values() for shape in by_shape}, key=order)
    head = ["msgs/s", "durable", *(f"W{workers} B{batch}" for workers, batch in shapes)]
    text = row(head) + row(["---"] * len(head))
    for name, by_shape in runs.items():
        durable = "yes" if name in found["durable"] else "no"
        cells = [cell(by_shape[shape]) if shape in by_shape else "" for shape in shapes]
        text += row([name, durable, *cells])
    ours = [name for name in runs if name.startswith("Pena")]
    peers = [name for name in runs if not name.startswith("Pena")]
    durable_peers = [name for name in peers if name in found["durable"]]
    text += (
        "\nRatios of the medians:\n\n" + row(["ratio", *head[2:]]) + row(["---"] * len(head[1:]))
    )
    for name in ours:
        for label, others in (
            ("Redis Streams, always", [p for p in peers if p == "Redis Streams, always"]),
            ("the best durable peer", durable_peers),
            ("the best peer of all", peers),
        ):
            if not others:
                continue
            cells = []
            for shape in shapes:
                best = max((median(runs[p][shape]) for p in others if shape in runs[p]), default=0)
                cells.append(f"{median(runs[name][shape]) / best:.2f}" if best else "")
            text += row([f"{name} / {label}", *cells])
    return text


def latency_table(found: Found) -> str:
    """Write how long a msg took from when it was due to its delivery."""
    runs = paced(found)
    if not runs:
        return ""
    first = next(iter(runs.values()))[0]
    text = (
        f"\nFrom due to delivered, {first['rate']:,.0f} msgs/s by the clock, W{first['workers']} "
        f"B{first['batchsize']}, ms (medians of {found['repeat']} runs):\n\n"
    )
    text += row(["ms", "durable", "p50", "p90", "p99", "longest", "p99 / p50"])
    text += row(["---"] * 7)
    for name, of_name in runs.items():
        durable = "yes" if name in found["durable"] else "no"
        waits = [run["waits"] for run in of_name]
        keys = ("p50_ms", "p90_ms", "p99_ms", "max_ms")
        p50 = median(waits, "p50_ms")
        tail = f"{median(waits, 'p99_ms') / p50:.1f}" if p50 else "none"
        text += row([name, durable, *(f"{median(waits, key):.2f}" for key in keys), tail])
    return text


def order(shape: Shape) -> tuple[int, int]:
    """Sort by batchsize, then by workers."""
    return shape[1], shape[0]


def heading(found: Found) -> str:
    """Say what was measured, on what, when."""
    machine = found["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['date']}, {machine['pena']} at {machine['commit']}. {machine['cores']} cores of "
        f"{machine['cpu']}, {machine['memory_gib']} GiB, {machine['filesystem']}, Linux "
        f"{machine['kernel']}; the server on core {machine['server_core']}, the load on the other; "
        f"writing and syncing 4 KiB took {machine['sync_us']} µs. {versions}.\n"
        f"Medians of {found['repeat']} runs of {found['seconds']:g} s each, ± the furthest run; "
        "\\*: the load generator used more than 90 % of its core; none: no batch was done in that "
        "time.\n\n"
    )


def colours(found: Found, names: list[str]) -> dict[str, str]:
    """Give ours, the durable and the others colours of their own."""
    ours, strong, weak = iter(OUR_COLOURS), iter(DURABLE_COLOURS), iter(WEAK_COLOURS)
    picked = {}
    for name in names:
        pool = ours if name.startswith("Pena") else strong if name in found["durable"] else weak
        picked[name] = next(pool)
    return picked


def save(figure: Any, out: Path, name: str) -> None:
    """Write a plot as PNG and as SVG."""
    for suffix in ("png", "svg"):
        figure.savefig(out / f"{name}.{suffix}", dpi=130, bbox_inches="tight")
    plt.close(figure)


def named(workers: int, batch: int) -> str:
    """Write a shape out, on two lines."""
    return f"{workers} worker{'' if workers == 1 else 's'}\nbatches of {batch}"


def throughput_plot(found: Found, out: Path) -> None:
    """Draw a group of bars a shape, on a logarithmic scale."""
    runs = closed(found)
    shapes = sorted({shape for by_shape in runs.values() for shape in by_shape}, key=order)
    figure, axes = plt.subplots(figsize=(11, 5))
    width = 0.86 / len(runs)
    colour = colours(found, list(runs))
    for i, (name, by_shape) in enumerate(runs.items()):
        at = [x - 0.43 + (i + 0.5) * width for x in range(len(shapes))]
        rates = [median(by_shape[shape]) if shape in by_shape else 0 for shape in shapes]
        label = name if name in found["durable"] else f"{name} (not durable)"
        axes.bar(at, rates, width, label=label, color=colour[name])
    axes.set_yscale("log")
    axes.set_ylim(bottom=500)
    axes.set_xticks(range(len(shapes)), [named(*shape) for shape in shapes])
    axes.set_ylabel("msgs handed out and reported a second")
    axes.set_title(f"Server on one core, load on the other ({found['machine']['date']})")
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(fontsize=8, ncols=3, loc="upper left")
    axes.set_ylim(top=axes.get_ylim()[1] * 4)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    save(figure, out, "throughput")


def latency_plot(found: Found, out: Path) -> None:
    """Draw p50 and p99 of each subject."""
    runs = paced(found)
    if not runs:
        return
    names = list(runs)[::-1]
    colour = colours(found, list(runs))
    figure, axes = plt.subplots(figsize=(8, 0.5 * len(names) + 1.2))
    for y, name in enumerate(names):
        waits = [run["waits"] for run in runs[name]]
        p50, p99 = median(waits, "p50_ms"), median(waits, "p99_ms")
        axes.plot([p50, p99], [y, y], color=colour[name], linewidth=6, solid_capstyle="round")
        told = f" {p50:.2f} … {p99:.2f} ms"
        offset = {"xytext": (8, 0), "textcoords": "offset points"}
        axes.annotate(told, (p99, y), va="center", fontsize=8, **offset)
    axes.set_xscale("log")
    labels = [name if name in found["durable"] else f"{name} (not durable)" for name in names]
    axes.set_yticks(range(len(names)), labels)
    first = runs[names[0]][0]
    axes.set_xlabel(f"ms from due to delivered, p50 … p99, at {first['rate']:,.0f} msgs/s")
    axes.set_xlim(right=axes.get_xlim()[1] * 2.5)
    low, high = axes.get_xlim()
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if low < tick < high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="x", alpha=0.3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    save(figure, out, "latency")


def write(found: Found, out: Path) -> None:
    """Write table.md and the plots."""
    table = heading(found) + throughput_table(found) + latency_table(found)
    (out / "table.md").write_text(table)
    throughput_plot(found, out)
    latency_plot(found, out)
    sys.stdout.write(table)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write(json.loads((folder / "results.json").read_text()), folder)
