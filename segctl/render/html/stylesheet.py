"""The style sheet of the page, which its Content-Security-Policy names by hash.

Loads no font, picture or script, and does not depend on the data.
"""

from __future__ import annotations

import base64
import hashlib

CSS = """
:root {
  color-scheme: light dark;
  --page: #f6f6f3; --card: #ffffff; --ink: #1d1f23; --soft: #5b6068; --line: #e2e1dc;
  --sunk: #f3f3f0; --accent: #2a56c6;
  --add: #17703f; --add-bg: #e7f5ec; --add-mark: #b5e3c6;
  --cut: #ac2019; --cut-bg: #fdeceb; --cut-mark: #f7c4c0;
  --edit: #80570a; --edit-bg: #fbf1db;
  --shadow: 0 1px 2px rgb(20 20 30 / 6%), 0 4px 16px rgb(20 20 30 / 4%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #131417; --card: #1b1d21; --ink: #e9e9e6; --soft: #a2a7af; --line: #30333a;
    --sunk: #16181b; --accent: #92b4ff;
    --add: #6fd39a; --add-bg: #14291d; --add-mark: #24573a;
    --cut: #ff9d95; --cut-bg: #321a19; --cut-mark: #70312d;
    --edit: #ebc06b; --edit-bg: #2c2413;
    --shadow: none;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: anywhere;
}
main, header, footer, nav { max-width: 66rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
footer { padding-top: 1rem; padding-bottom: 3rem; color: var(--soft); font-size: .85rem; }
h1, h2, h3, h4 { line-height: 1.25; margin: 0; text-wrap: balance; }
h1 { font-size: clamp(1.45rem, 1.1rem + 1.6vw, 2.1rem); letter-spacing: -.015em; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .9rem; }
h3 { font-size: 1.12rem; }
h4 { font-size: .76rem; letter-spacing: .05em; text-transform: uppercase; color: var(--soft); }
p { margin: .4rem 0; }
ul { margin: .4rem 0; padding-left: 1.15rem; }
li { margin: .18rem 0; }
code {
  font: .9em/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, "Liberation Mono", monospace;
}
p code, li code, dd code {
  background: var(--sunk); border-radius: .25rem; padding: .08em .3em; white-space: pre-wrap;
}
a { color: var(--accent); text-underline-offset: .15em; }
:focus-visible {
  outline: .18rem solid var(--accent); outline-offset: .15rem; border-radius: .25rem;
}
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: .5rem .8rem; z-index: 1; }
.kicker { color: var(--soft); margin: 0 0 .4rem; font-size: .95rem; }
.lead { color: var(--soft); margin-top: .5rem; }
.tally { display: grid; grid-template-columns: repeat(auto-fit, minmax(6.6rem, 1fr)); gap: .6rem;
  margin: 1.5rem 0 0; padding: 0; }
.tally div { background: var(--card); border: 1px solid var(--line); border-radius: .7rem;
  padding: .65rem .85rem; display: flex; flex-direction: column-reverse; }
.tally dt { color: var(--soft); font-size: .85rem; }
.tally dd { margin: 0; font-size: 1.55rem; font-weight: 650; line-height: 1.2;
  font-variant-numeric: tabular-nums; }
.tally .zero dd { color: var(--soft); font-weight: 400; }
.tally .create:not(.zero) dd { color: var(--add); }
.tally .patch:not(.zero) dd, .tally .upgrade:not(.zero) dd { color: var(--edit); }
.tally .replace:not(.zero) dd, .tally .delete:not(.zero) dd { color: var(--cut); }
.panel { border: 1px solid var(--line); border-left-width: .3rem; border-radius: .7rem;
  background: var(--card); padding: .9rem 1.15rem; margin: 1.25rem 0 0; }
.panel h2 { margin: 0 0 .35rem; font-size: 1.05rem; }
.panel.error, .panel.deletion { border-left-color: var(--cut); }
.panel.error h2, .panel.deletion h2 { color: var(--cut); }
.panel.warning { border-left-color: var(--edit); }
.panel.warning h2 { color: var(--edit); }
.panel ul { list-style: none; padding: 0; }
.panel li + li { border-top: 1px solid var(--line); padding-top: .5rem; margin-top: .5rem; }
.counts { width: 100%; border-collapse: collapse; margin: .5rem 0; }
.counts th, .counts td { text-align: right; padding: .3rem 0 .3rem .8rem;
  font-variant-numeric: tabular-nums; vertical-align: baseline; white-space: nowrap; }
.counts th { font-weight: 400; } .counts del { text-decoration: none; }
.counts th:first-child { text-align: left; padding-left: 0; white-space: normal; }
.counts thead th { color: var(--soft); font-size: .8rem; font-weight: 600; }
.counts tbody tr > * { border-top: 1px solid var(--line); }
.figures p { font-size: 1.04rem; margin: .25rem 0; font-variant-numeric: tabular-nums; }
.figures p b { font-size: 1.3rem; } .figures del { text-decoration: none; }
.figures .people { white-space: normal; }
main > .where { margin-top: 1rem; }
.hint, .where { color: var(--soft); font-size: .92rem; margin: .15rem 0 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .9rem;
  box-shadow: var(--shadow); margin: 0 0 1.1rem; padding: 1.15rem 1.25rem;
  scroll-margin-top: 1rem; }
.card > header, .card > details > summary { display: flex; flex-wrap: wrap;
  align-items: baseline; gap: .35rem .7rem;
  max-width: none; padding: 0; margin: 0; }
.card h3 { flex: 1 1 12rem; color: var(--ink); }
.card > details { margin: 0; }
.card > details > summary { width: auto; list-style: none; }
.card > details > summary::before { content: "\\25b8"; color: var(--accent); }
.card > details[open] > summary::before { content: "\\25be"; }
.plainly { color: var(--soft); font-size: .92rem; }
.attention { border-left: .3rem solid var(--edit); background: var(--edit-bg);
  border-radius: .3rem; padding: .35rem .7rem; }
.people { color: var(--soft); font-variant-numeric: tabular-nums; font-size: .92rem; }
.people b { color: var(--ink); font-weight: 650; }
.badge { font-size: .74rem; font-weight: 650; letter-spacing: .03em; border-radius: 99rem;
  padding: .16rem .6rem; white-space: nowrap; color: var(--soft); background: var(--sunk); }
.badge.create, .badge.done { color: var(--add); background: var(--add-bg); }
.badge.patch, .badge.upgrade, .badge.warning, .badge.waiting, .badge.not_attempted, .badge.unknown,
.badge.edited, .badge.renamed, .badge.created { color: var(--edit); background: var(--edit-bg); }
.badge.replace, .badge.delete, .badge.error, .badge.failed, .badge.conflict,
.badge.deleted { color: var(--cut); background: var(--cut-bg); }
.columns { display: grid; grid-template-columns: 1fr 1fr; gap: .4rem 2rem; }
.block { margin-top: 1rem; }
.audience p { font-size: 1.04rem; margin: .25rem 0; }
.audience mark { color: inherit; border-radius: .2rem; padding: .05em .12em; }
.audience .removed mark { background: var(--cut-mark); }
.audience .added mark { background: var(--add-mark); }
ins { text-decoration: none; color: var(--add); } del { color: var(--cut); }
details { margin-top: 1rem; }
summary { cursor: pointer; color: var(--accent); font-size: .92rem; width: fit-content;
  padding: .15rem .1rem; }
.diff { width: 100%; border-collapse: separate; border-spacing: 0; table-layout: fixed;
  border: 1px solid var(--line); border-radius: .5rem; margin-top: .5rem; overflow: hidden;
  background: var(--sunk); }
.diff th { text-align: left; font-size: .8rem; font-weight: 600; color: var(--soft);
  padding: .35rem .7rem; border-bottom: 1px solid var(--line); }
.diff td { padding: .06rem .5rem; vertical-align: top; }
.diff code { font-size: .84rem; white-space: pre-wrap; }
.diff .numbers { width: 2.6rem; }
.diff .number { text-align: right; color: var(--soft);
  font-size: .76rem; line-height: 1.75; font-variant-numeric: tabular-nums; user-select: none; }
.diff .old { background: var(--cut-bg); } .diff .new { background: var(--add-bg); }
.diff .old mark { background: var(--cut-mark); color: inherit; border-radius: .15rem; }
.diff .new mark { background: var(--add-mark); color: inherit; border-radius: .15rem; }
.diff .gap td { text-align: center; color: var(--soft); }
.diff tr > :nth-child(3) { border-left: 1px solid var(--line); }
.diff thead tr > :nth-child(2) { border-left: 1px solid var(--line); }
.toc { columns: 2 20rem; column-gap: 2rem; list-style: none; padding: 0; margin: 0; }
.toc li { break-inside: avoid; padding: .14rem 0; margin: 0; }
.toc .badge { display: inline-block; min-width: 4.6rem; text-align: center; margin-right: .5rem; }
.plain { list-style: none; padding: 0; columns: 2 18rem; color: var(--soft); font-size: .92rem; }
.calm { background: var(--card); border: 1px dashed var(--line); border-radius: .9rem;
  padding: 2rem 1.25rem; text-align: center; color: var(--soft); margin-top: 2rem; }
@media (max-width: 44rem) {
  header { padding-top: 1.5rem; }
  main, header, footer, nav { padding-left: .9rem; padding-right: .9rem; }
  .tally { grid-template-columns: repeat(3, 1fr); gap: .45rem; }
  .tally div { padding: .5rem .65rem; } .tally dd { font-size: 1.3rem; }
  .card { padding: .95rem .95rem; }
  .columns { grid-template-columns: 1fr; gap: .9rem; }
  .counts, .counts thead, .counts tbody { display: block; }
  .counts tr { display: grid; grid-template-columns: repeat(4, 1fr) 3.2rem; }
  .counts tr > * { padding: .1rem 0 .1rem .3rem; font-size: .8rem; white-space: normal; }
  .counts tr > :first-child { grid-column: 1 / -1; font-size: 1rem; padding-top: .4rem; }
  .counts tr > [colspan] { grid-column: 1 / -1; }
  .counts thead tr > :first-child { display: none; }
  .counts tbody tr > :not(:first-child) { border-top: 0; }
  .diff thead { display: none; }
  .diff, .diff tbody { display: block; }
  .diff tr { display: grid; grid-template-columns: 2.3rem 1fr; }
  .diff .none, .diff .duplicate { display: none; }
  .diff tr > :nth-child(3) { border-left: 0; }
  .diff .number { padding-left: 0; }
  .diff colgroup { display: none; }
  .diff .gap { display: block; }
}
@media print {
  body { background: #fff; } .skip { display: none; }
  .card { break-inside: avoid; box-shadow: none; }
}
"""

POLICY = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(CSS.encode("utf-8")).digest()).decode("ascii")
    + "'; img-src data:; base-uri 'none'; form-action 'none'"
)
"""Only this sheet is applied; the only picture is the empty icon in the page itself."""
