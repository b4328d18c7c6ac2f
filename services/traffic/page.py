"""The frame of the report page: one file, no script, nothing loaded from anywhere."""

from string import Template
from typing import Final

PAGE: Final = Template("""<!DOCTYPE html>
<html lang="ja">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>団体間連携の通信量と回線 — Traffic and access lines</title>
<style>
:root { --ink: #1b2733; --faint: #5b6875; --rule: #dfe5ea; --over: #b3261e; }
* { box-sizing: border-box; }
body, svg text { font-family: "Noto Sans JP", "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic", Meiryo, IPAexGothic,
  "DejaVu Sans", sans-serif !important; }
body { margin: 0 auto; max-width: 1080px; padding: 32px 24px 48px; color: var(--ink); background: #fff;
  line-height: 1.6; }
h1 { font-size: 1.7rem; line-height: 1.35; margin: 0; }
h2 { font-size: 1.2rem; line-height: 1.4; margin: 48px 0 4px; border-top: 1px solid var(--rule); padding-top: 20px; }
[lang=en] { color: var(--faint); font-weight: normal; }
h1 [lang=en], h2 [lang=en] { display: block; font-size: 0.8em; }
p { margin: 4px 0; }
svg { width: 100%; height: auto; display: block; margin: 12px 0 4px; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 12px;
  margin: 24px 0 0; padding: 0; }
.facts div { display: flex; flex-direction: column-reverse; justify-content: flex-end;
  border: 1px solid var(--rule); border-radius: 8px; padding: 12px 16px; }
.facts dd { margin: 0; font-size: 1.6rem; font-weight: bold; line-height: 1.3; }
.facts dd.over { color: var(--over); }
.facts dt { font-size: 0.85rem; line-height: 1.4; }
.facts dt [lang=en] { display: block; }
.chart { margin: 0; }
.chart svg { min-width: 680px; }
.scroll, .chart { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 12px 0; font-size: 0.92rem;
  font-variant-numeric: tabular-nums; }
table.narrow { width: auto; }
th, td { padding: 6px 10px; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th:first-child { text-align: left; }
thead th { vertical-align: bottom; font-weight: normal; line-height: 1.35; }
tbody th { font-weight: normal; }
td.over { color: var(--over); font-weight: bold; }
ul { padding-left: 1.2em; margin: 8px 0; }
li { margin: 6px 0; }
</style>
</head>
<body>
<h1>団体間連携の通信量と回線
<span lang="en">Traffic of linkage between local governments, and their access lines</span></h1>
<dl class="facts">$facts</dl>
$sections
</body>
</html>
""")
SECTION: Final = Template("""<section>
<h2>$japanese<span lang="en">$english</span></h2>
$body
</section>""")
TEXT: Final = Template("""<p>$japanese</p>
<p lang="en">$english</p>""")
FACT: Final = Template("""<div><dt>$japanese<span lang="en">$english</span></dt><dd class="$mark">$figure</dd></div>""")
CHART: Final = Template("""<figure role="img" aria-label="$label" class="chart">$svg</figure>""")
NOTE: Final = Template("""<li>$japanese<br><span lang="en">$english</span></li>""")
