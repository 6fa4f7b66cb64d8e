/** The look of every report page: one column of cards, both colour schemes, narrow screens and paper too. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--paper:#f4f5f7;--card:#fff;--ink:#17191d;--soft:#5b626d;--rule:#dcdfe4;--accent:#0b62c4;
--line-0:#0072b2;--line-1:#c85200;--line-2:#007f5f;--line-3:#a8458a;--line-4:#8a6d00;--line-5:#3a9ad9;--line-6:#7a4fc9;--line-7:#3d4148}
@media (prefers-color-scheme:dark){:root{--paper:#101216;--card:#1a1d23;--ink:#e9ebef;--soft:#a2a9b4;--rule:#343944;--accent:#6cb0ff;
--line-0:#58b0ee;--line-1:#ff9a52;--line-2:#3fcf9f;--line-3:#ee8fcf;--line-4:#e2c33f;--line-5:#a5d8ff;--line-6:#b99bff;--line-7:#d5d9e0}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main,body>header,body>footer{max-width:1180px;margin:0 auto;padding:0 20px}
body>header{padding-top:28px}
h1{font-size:26px;line-height:1.25;margin:0;overflow-wrap:anywhere}
h2{font-size:18px;margin:0 0 4px}
h3{font-size:15px;margin:18px 0 4px}
.lead{margin:6px 0 0;color:var(--soft);overflow-wrap:anywhere}
section{background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:18px 20px;margin:18px 0}
p{margin:6px 0}
.note{color:var(--soft);font-size:13px;max-width:85ch}
.chips{display:flex;flex-wrap:wrap;gap:6px;margin:12px 0 0;padding:0;list-style:none}
.chips li{border:1px solid var(--rule);background:var(--card);border-radius:99px;padding:2px 11px;font-size:13px;overflow-wrap:anywhere}
.chips b{font-weight:600}
table.facts{border-collapse:collapse;width:100%;font-size:14px}
.facts th{text-align:left;font-weight:500;color:var(--soft);padding:4px 16px 4px 0;vertical-align:top;width:1%;white-space:nowrap}
.facts td{padding:4px 0;overflow-wrap:anywhere}
.facts tr+tr{border-top:1px solid var(--rule)}
pre{background:var(--paper);border:1px solid var(--rule);border-radius:8px;padding:10px 12px;overflow:auto;max-height:420px;font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;margin:8px 0}
code{font:13px ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
summary{cursor:pointer;color:var(--accent);margin:8px 0 2px}
button{font:inherit;font-size:13px;color:inherit;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:4px 10px;cursor:pointer}
button:hover{border-color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
img,canvas{display:block;max-width:100%}
figure{margin:0}
figcaption{font-size:14px;font-weight:600;overflow-wrap:anywhere}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(420px,100%),1fr));gap:26px 32px;margin-top:12px}
.plot{min-width:0}
.y-label,.x-label{font-size:12px;color:var(--soft);margin:2px 0}
.x-label{text-align:center}
.plot-area{display:grid;grid-template:minmax(0,1fr) 20px/46px minmax(0,1fr);height:270px}
.plot .canvas{position:relative;border-left:1px solid var(--soft);border-bottom:1px solid var(--soft);cursor:crosshair;touch-action:pan-y}
.plot svg{display:block}
.plot .canvas svg{position:absolute;inset:0;width:100%;height:100%;overflow:visible}
.plot path{fill:none;vector-effect:non-scaling-stroke;stroke-width:1.8;stroke-linejoin:round}
.plot .grid path{stroke:var(--rule);stroke-width:1}
.plot path.faint{stroke-width:1;opacity:.35}
.plot path.strong{stroke-width:3}
.plot path.dots{stroke-width:7;stroke-linecap:round}
.plot [data-off]{display:none}
.plot .canvas.has-focus path[data-series]{opacity:.13}
.plot .canvas.has-focus path[data-focus]{opacity:1;stroke-width:3}
.y-ticks,.x-ticks{position:relative;font-size:12px;color:var(--soft);font-variant-numeric:tabular-nums}
.y-ticks span{position:absolute;right:6px;transform:translateY(-50%)}
.x-ticks{grid-column:2}
.x-ticks span{position:absolute;top:2px;transform:translateX(-50%)}
.cursor,.mark{position:absolute;top:0;bottom:0;width:1px;background:var(--soft);pointer-events:none}
.mark{width:2px;background:var(--accent);opacity:.75}
.tip{position:absolute;top:4px;z-index:3;pointer-events:none;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:6px 9px;font-size:12px;line-height:1.4;box-shadow:0 3px 14px #0003;white-space:nowrap;font-variant-numeric:tabular-nums}
.tip b{display:block}
.tip i{display:inline-block;width:10px;height:3px;margin-right:6px;vertical-align:middle}
.legend{display:flex;flex-wrap:wrap;gap:4px;margin:6px 0 0 46px}
.legend button{display:inline-flex;align-items:center;gap:6px;padding:1px 8px;font-size:12.5px;border-color:transparent}
.legend button[aria-pressed=false]{opacity:.42;text-decoration:line-through}
.swatch{display:inline-block;width:12px;height:12px;border-radius:3px;border:1px solid #8888}
body>footer{color:var(--soft);font-size:13px;padding-bottom:32px}
@media (max-width:560px){main,body>header,body>footer{padding:0 12px}section{padding:14px 12px}h1{font-size:21px}
.facts th,.facts td{display:block;width:auto;padding:2px 0}.legend{margin-left:0}.plot-area{height:220px}}
@media print{section{break-inside:avoid}button{display:none}}
`;
