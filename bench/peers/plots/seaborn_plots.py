#!/usr/bin/env python3
"""seaborn_plots.py PROJECT OUT: the eight plots of the movies project's pages/plots.md with matplotlib and seaborn, 1600 x 1000 pixels each.

The queries are the page's own, asked of DuckDB over the lake's Delta tables; the rest is what a careful analyst would write."""
import os
import re
import sys

import duckdb
import matplotlib

matplotlib.use("agg")
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import seaborn as sns
from deltalake import DeltaTable
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

project, out = sys.argv[1:3]
os.makedirs(out, exist_ok=True)
db = duckdb.connect()
db.execute("SET threads = 2; CREATE SCHEMA gold")
for table in ("movie_kpis", "directors"):
    files = DeltaTable(f"{project}/lake/gold/{table}").file_uris()
    db.execute(f"CREATE VIEW gold.{table} AS SELECT * FROM read_parquet({files!r})")
page = open(f"{project}/pages/plots.md", encoding="utf-8").read()
queries = {name: sql for name, sql in re.findall(r"```sql (\w+)\n(.*?)```", page, re.S)}


def rows(name):
    return db.sql(queries[name]).df()


def usd(x, _=None):
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if x >= size * 0.9995:
            return f"${x / size:.3g}{unit}"
    return f"${x:.3g}"


def times(x, _=None):
    return f"{x:.0f}\u00d7" if x >= 10 else f"{x:.2g}\u00d7"


sns.set_theme(style="whitegrid", context="notebook", font_scale=0.8, rc={
    "figure.figsize": (8, 5), "savefig.dpi": 200, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.titlesize": 13, "grid.linewidth": 0.6, "legend.frameon": False})


def save(name, title, fig=None, tidy=True):
    fig = fig or plt.gcf()
    fig.suptitle(title, x=0.02, ha="left", fontweight="bold", fontsize=14)
    if tidy:
        fig.tight_layout()
    fig.savefig(f"{out}/{name}.png")
    plt.close(fig)


def revenue_vs_budget():
    films, named, even = rows("money"), rows("money_named"), rows("break_even")
    films = films.sort_values("place")
    ax = sns.scatterplot(films, x="budget", y="revenue", hue="genre", palette=["#0b67b2", "#d55e00", "#009e73", "#b0478b", "#e0a100", "#9ca3af"],
                         hue_order=list(dict.fromkeys(films.genre)), s=18, alpha=0.55, linewidth=0)
    ax.plot(even.dollars, even.dollars, ls="--", color="#6b7280", lw=1.4)
    for f in named.itertuples():
        ax.annotate(f.title, (f.budget, f.revenue), xytext=(0, 6), textcoords="offset points", ha="right" if f.budget > 1e7 else "left",
                    fontsize=8.5, fontweight="bold")
    ax.set(xscale="log", yscale="log", xlabel="Budget", ylabel="Worldwide revenue")
    ax.xaxis.set_major_formatter(FuncFormatter(usd))
    ax.yaxis.set_major_formatter(FuncFormatter(usd))
    ax.xaxis.set_minor_formatter(NullFormatter())
    sns.move_legend(ax, "upper left", bbox_to_anchor=(1, 1), title="Genre")
    sns.despine(left=True)
    save("revenue_vs_budget", "Bigger budgets earn more, but not surely")


def roi_by_genre():
    g = rows("roi_genres")
    boxes = [{"med": r.middle, "q1": r.lower, "q3": r.upper, "whislo": r.low, "whishi": r.high, "label": r.genre} for r in g.itertuples()]
    fig, ax = plt.subplots()
    ax.bxp(boxes[::-1], showfliers=False, orientation="horizontal", patch_artist=True, widths=0.66, boxprops={"facecolor": "#9cc7e8", "linewidth": 0},
           medianprops={"color": "#0b4f86", "linewidth": 2}, capprops={"linewidth": 0})
    ax.axvline(1, color="#d55e00", ls="--", lw=1.4)
    ax.set(xscale="log", xlabel="Return on investment")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    ax.xaxis.set_major_formatter(FuncFormatter(times))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.grid(False, axis="y")
    for i, films in enumerate(g.films[::-1], 1):
        ax.text(1.05, i, f"{films:,}", transform=ax.get_yaxis_transform(), ha="right", va="center", fontsize=8)
    sns.despine(left=True)
    save("roi_by_genre", "What a dollar of budget brings back")


def popularity_vs_rating():
    films, medians = rows("rated"), rows("rated_medians")
    ax = sns.scatterplot(films, x="rating", y="popularity", size="votes", sizes=(6, 200), alpha=0.33, color="#2f86cc", linewidth=0)
    ax.plot(medians.rating, medians.popularity, "o-", color="#d55e00", lw=2.4, ms=5)
    ax.set(yscale="log", xlabel="Mean rating by users of TMDB", ylabel="Popularity (logarithmic)")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    sns.move_legend(ax, "upper left", bbox_to_anchor=(1, 1), title="Votes")
    sns.despine(left=True)
    save("popularity_vs_rating", "Are well-rated films talked about more?")


def yearly_trends():
    y = rows("years")
    fig, (a, b, c) = plt.subplots(3, sharex=True, height_ratios=(150, 76, 88))
    a.bar(y.year, y.revenue, width=320, color="#2f86cc")
    a.yaxis.set_major_formatter(FuncFormatter(usd))
    b.bar(y.year, y.films, width=320, color="#9cc7e8")
    c.plot(y.year, y.rating, "o-", color="#d55e00", ms=3)
    for ax, name in ((a, "Revenue"), (b, "Films"), (c, "Mean rating")):
        ax.set_ylabel(name)
        ax.grid(False, axis="x")
        ax.yaxis.set_major_locator(MaxNLocator(4))
    fig.align_ylabels()
    c.xaxis.set_major_locator(mdates.YearLocator(5))
    c.xaxis.set_major_formatter(mdates.DateFormatter("%Y"))
    sns.despine(left=True)
    save("yearly_trends", "Forty years of cinema")


def bars(ax, frame, x, y, formatted, **kw):
    sns.barplot(frame, x=x, y=y, ax=ax, width=0.74, saturation=1, **kw)
    ax.bar_label(ax.containers[0], [formatted(v) for v in frame[x]], padding=3, fontsize=8) if len(ax.containers) == 1 else [
        ax.bar_label(c, [formatted(v)], padding=3, fontsize=9) for c, v in zip(ax.containers, frame[x])]
    ax.set(xlabel=None, ylabel=None, xticks=[])
    ax.margins(x=0.16)
    sns.despine(ax=ax, left=True, bottom=True)


def franchise_vs_standalone():
    kinds = rows("kinds")
    fig, axes = plt.subplots(2, 2, sharey=True)
    for ax, (column, title, formatted) in zip(axes.flat, (
            ("revenue", "Mean revenue", usd), ("budget", "Mean budget", usd), ("roi", "Median ROI", times), ("rating", "Mean rating", "{:.2f}".format))):
        bars(ax, kinds, column, "kind", formatted, hue="kind", palette=["#2f86cc", "#9ca3af"], legend=False)
        ax.set_title(title)
    save("franchise_vs_standalone", "Do series pay?")


def rating_distribution():
    films, marks = rows("ratings"), rows("rating_marks")
    ax = sns.histplot(films, x="rating", binwidth=0.2, binrange=(1, 9), color="#56a0d8", alpha=1)
    for m, colour in zip(marks.itertuples(), ("#d55e00", "#b0478b")):
        ax.axvline(m.rating, color=colour, ls="--", lw=1.6)
        ax.annotate(m.mark, (m.rating, 1.02), xycoords=("data", "axes fraction"), xytext=(5 if m.upper else -5, 0), textcoords="offset points",
                    ha="left" if m.upper else "right", color=colour, fontweight="bold")
    ax.set(xlabel="Mean rating by users of TMDB", ylabel="Films")
    ax.grid(False, axis="x")
    sns.despine(left=True)
    save("rating_distribution", "How films are rated")


def top_directors():
    d = rows("top_directors")
    norm = plt.Normalize(5, d.rating.max())
    fig, ax = plt.subplots()
    drawn = ax.barh(d.director, d.revenue, color=plt.cm.Blues(norm(d.rating)), height=0.76)
    ax.bar_label(drawn, [f"{usd(r.revenue)} \u00b7 {r.films} film{'s' * (r.films != 1)}" for r in d.itertuples()], padding=4, fontsize=9)
    ax.invert_yaxis()
    ax.set(xticks=[], xlim=(0, d.revenue.max() * 1.22))
    ax.grid(False)
    sns.despine(left=True, bottom=True)
    bar = fig.colorbar(plt.cm.ScalarMappable(norm, "Blues"), ax=ax, cax=ax.inset_axes((0.72, 0.06, 0.24, 0.03)), orientation="horizontal")
    bar.set_label("Mean rating")
    save("top_directors", "Whose films earned most")


def genre_performance():
    g = rows("genres")
    fig, (a, b, c) = plt.subplots(1, 3, sharey=True, width_ratios=(215, 170, 170))
    bars(a, g, "revenue", "genre", usd, color="#2f86cc")
    bars(b, g, "roi", "genre", times, color="#009e73")
    sns.scatterplot(g, x="rating", y="genre", ax=c, color="#d55e00", s=60)
    for r in g.itertuples():
        c.annotate(f"{r.rating:.2f}", (r.rating, r.genre), xytext=(7, 0), textcoords="offset points", va="center", fontsize=8)
    c.set(xlabel=None, xticks=[])
    c.margins(x=0.2)
    sns.despine(ax=c, left=True, bottom=True)
    for ax, title in ((a, "Mean revenue"), (b, "Median ROI"), (c, "Mean rating")):
        ax.set_title(title)
    save("genre_performance", "Big genres, profitable genres, loved genres")


for plot in (revenue_vs_budget, roi_by_genre, popularity_vs_rating, yearly_trends, franchise_vs_standalone, rating_distribution, top_directors,
             genre_performance):
    plot()
