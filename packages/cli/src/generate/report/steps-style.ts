/** The look of the slider over the steps. */
export const STEPS_STYLE = `
.inputs{display:flex;flex-wrap:wrap;gap:18px 28px;margin-top:10px}
.inputs>div{flex:1 1 260px;min-width:0}
.inputs h3{margin-top:0}
.input{width:200px;max-width:100%}
.input img{width:100%;border-radius:8px;border:1px solid var(--rule);image-rendering:pixelated}
blockquote{margin:4px 0 12px;padding:6px 14px;border-left:3px solid var(--accent);overflow-wrap:anywhere}
.classes{display:flex;flex-wrap:wrap;gap:4px 14px;list-style:none;margin:6px 0 0;padding:0;font-size:14px}
.classes li{display:flex;align-items:center;gap:6px}
.classes small,.classes span{color:var(--soft);font-variant-numeric:tabular-nums}
.gallery{display:flex;flex-wrap:wrap;gap:14px;margin-top:10px}
.gallery figure{width:176px;max-width:calc(50% - 7px)}
.gallery img{width:100%;border-radius:8px}
.gallery figcaption{font-weight:400}
.pick{padding:0;border:3px solid transparent;border-radius:11px;width:100%;background:none}
.pick[aria-current=true]{border-color:var(--accent)}
.player{display:flex;align-items:center;gap:12px;margin:10px 0 4px}
.player input{flex:1;min-width:60px;accent-color:var(--accent)}
.player output{font-variant-numeric:tabular-nums;min-width:15ch;text-align:right}
#play{min-width:62px}
@media (max-width:560px){.player{flex-wrap:wrap;justify-content:space-between}.player input{flex-basis:100%;order:3}}
.switches{display:flex;flex-wrap:wrap;gap:6px 20px;align-items:center;font-size:14px;min-height:32px}
.switches select{font:inherit;color:inherit;background:var(--card);border:1px solid var(--rule);border-radius:6px;padding:2px 4px}
#probe{color:var(--soft);font-variant-numeric:tabular-nums;margin-left:auto}
.panes{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(210px,calc(50% - 7px)),1fr));gap:14px}
.pane{max-width:340px}
.frame{position:relative;overflow:hidden;aspect-ratio:1;border-radius:8px;background:var(--paper)}
.frame .sprite{position:absolute;left:0;top:0;max-width:none}
.frame .sprite,.frame canvas{image-rendering:pixelated}
.frame canvas{width:100%;height:100%}
.outline{position:absolute;inset:0;width:100%;height:100%;pointer-events:none}
.outline path{fill:none;stroke:#fff;stroke-width:1.6;vector-effect:non-scaling-stroke;filter:drop-shadow(0 0 1px #000)}
.pane figcaption{margin-top:4px}
.pane small{color:var(--soft);font-weight:400}
.scale{display:flex;align-items:center;gap:8px;margin-top:12px;font-size:13px;font-variant-numeric:tabular-nums}
.scale i{width:180px;height:12px;border-radius:3px;background:linear-gradient(90deg,#440154,#472d7b,#3b528b,#2c728e,#21918c,#28ae80,#5ec962,#addc30,#fde725)}
.scale small{color:var(--soft)}
#csv{margin-top:16px}
[hidden]{display:none!important}
`;
