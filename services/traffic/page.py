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
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 12px 0; font-size: 0.92rem;
  font-variant-numeric: tabular-nums; }
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
<p>$text_japanese</p>
<p lang="en">$text_english</p>
$body
</section>""")
FACT: Final = Template("""<div><dt>$japanese<span lang="en">$english</span></dt><dd class="$mark">$figure</dd></div>""")
CHART: Final = Template("""<figure role="img" aria-label="$label" style="margin:0">$svg</figure>""")
NOTES: Final = Template("""<ul>
<li>通信量は人口に比例する（報告書4-4）。全国で年間 $total KB、一斉照会の1日 $day KB。
市町村の値は、ここに載る市町村の人口の合計 $people 人に対する比率による。<br>
<span lang="en">Traffic is in proportion to population (study, 4-4): $total KB a year and $day KB on the day of a mass
inquiry in the whole country, shared out among the $people people of the municipalities shown here.</span></li>
<li>仮定：回線の速度（報告書は4つの人口規模にだけ示す）、1日の山の形、開始時刻。
報告書の数値自体も「今後精査が必要」とされている。<br>
<span lang="en">Assumed: the lines (the study names four sizes only), the shape of a day, the hour at which it begins.
The study itself says that its figures need later scrutiny.</span></li>
<li>人口：2022年1月1日の住民基本台帳人口。出典：総務省「マイナンバーカード交付状況(令和4年12月末)」を加工して作成。
個人情報は含まない。<br>
<span lang="en">Population: resident register of 2022-01-01, made from figures of the Ministry of Internal Affairs and
Communications. There is no personal data in here.</span></li>
</ul>""")
