import { type Html, type HtmlPart, html, jsonData } from './html.js';
import { type AxisTicks, formatNumber, linearTicks, logTicks, position, type Scale } from './ticks.js';

/** One line of a plot. */
export interface PlotSeries {
  readonly name: string;
  /** Horizontal and vertical values, in order; a value that is not finite breaks the line. */
  readonly points: readonly (readonly [number, number])[];
  /** Which of the plot's looks (colour and dashes) it has; default: its place in the list. */
  readonly look?: number;
  /** `line` (default), `faint` for a line behind the others, `dots` for single measurements. */
  readonly style?: 'line' | 'faint' | 'dots' | 'strong';
  /** A colour shown beside the name, e.g. that of a class in a mask. */
  readonly swatch?: string;
}

/** An axis of a plot. */
export interface PlotAxis {
  /** What it measures, with its unit. */
  readonly label: string;
  /** Default: the range of the values. */
  readonly range?: readonly [number, number];
  readonly scale?: Scale;
  /** Values fall from left to right. */
  readonly reversed?: boolean;
}

/** A plot of lines. */
export interface LinePlot {
  /** Unique on its page. */
  readonly id: string;
  readonly title: string;
  readonly x: PlotAxis;
  readonly y: PlotAxis;
  readonly series: readonly PlotSeries[];
  /** Below the plot. */
  readonly note?: HtmlPart;
}

/** Colours of lines; the page's style has as many `--line-N`. */
export const LINE_COLORS = 8;
const DASHES = ['', '7 4', '2 3'];
/** Side of the square that the lines are drawn in, before it is stretched to the plot. */
const SIDE = 1000;

/**
 * A plot that needs no library: lines as SVG stretched to the width that there is, ticks and names as text, so that it can be
 * read on a telephone too. The page's script adds values under the pointer, and names that switch their line on and off.
 * Looks repeat after {@link LINE_COLORS} colours times three kinds of dashes; they tell apart without colour vision.
 */
export function linePlot({ id, title, x, y, series, note }: LinePlot): Html {
  const xs = axisOf(x, series, 0);
  const ys = axisOf(y, series, 1);
  const left = (value: number): number => {
    const at = position(value, xs, x.scale);
    return x.reversed ? 1 - at : at;
  };
  const top = (value: number): number => 1 - position(value, ys, y.scale);
  const data = {
    x: { label: x.label, reversed: x.reversed ?? false, min: xs.min, max: xs.max, scale: x.scale ?? 'linear' },
    y: { label: y.label, min: ys.min, max: ys.max, scale: y.scale ?? 'linear' },
    series: series.map(({ name, points, style = 'line' }) => ({ name, style, points })),
  };
  return html`<figure class="plot" id="${id}" data-plot>
<figcaption>${title}</figcaption>
<p class="y-label">${y.label}${y.scale === 'log' && ', logarithmic'}</p>
<div class="plot-area">
<div class="y-ticks" aria-hidden="true">${ys.ticks.map((tick) => html`<span style="top:${percent(top(tick))}">${formatNumber(tick)}</span>`)}</div>
<div class="canvas" tabindex="0" role="group" aria-label="${title}: ${y.label} over ${x.label}. Arrow keys move between values.">
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${SIDE}" preserveAspectRatio="none" aria-hidden="true">
<g class="grid">${ys.ticks.map((tick) => line(0, top(tick), 1, top(tick)))}${xs.ticks.map((tick) => line(left(tick), 0, left(tick), 1))}</g>
${series.map((each, i) => drawing(each, i, left, top))}
</svg>
<i class="cursor" hidden></i><i class="mark" hidden></i><output class="tip" hidden></output>
</div>
<div class="x-ticks" aria-hidden="true">${xs.ticks.map((tick) => html`<span style="left:${percent(left(tick))}">${formatNumber(tick)}</span>`)}</div>
</div>
<p class="x-label">${x.label}</p>
${series.length > 1 && html`<div class="legend">${series.map((each, i) => legendEntry(each, i))}</div>`}
${note !== undefined && html`<p class="note">${note}</p>`}
<script type="application/json" class="plot-data">${jsonData(data)}</script>
</figure>`;
}

function axisOf({ range, scale = 'linear' }: PlotAxis, series: readonly PlotSeries[], which: 0 | 1): AxisTicks {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { points } of series) {
    for (const point of points) {
      const value = point[which];
      if (!Number.isFinite(value) || (scale === 'log' && value <= 0)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (range) [low, high] = range;
  if (low > high) [low, high] = scale === 'log' ? [0.1, 1] : [0, 1];
  if (scale === 'log') return logTicks(low, high);
  const axis = linearTicks(low, high);
  // Lines that run along a border are cut in half there.
  const rim = range || which === 0 ? 0 : 0.03 * (axis.max - axis.min);
  return { ...axis, min: axis.min - rim, max: axis.max + rim };
}

const percent = (share: number): string => `${Number((100 * share).toFixed(3))}%`;
const unit = (share: number): number => Number((SIDE * share).toFixed(1));
const line = (x1: number, y1: number, x2: number, y2: number): Html =>
  html`<path d="M${unit(x1)} ${unit(y1)}L${unit(x2)} ${unit(y2)}"/>`;

function lookOf({ look }: PlotSeries, index: number): { readonly color: string; readonly dash: string } {
  const which = look ?? index;
  return {
    color: `var(--line-${which % LINE_COLORS})`,
    dash: DASHES[Math.floor(which / LINE_COLORS) % DASHES.length]!,
  };
}

function drawing(
  series: PlotSeries,
  index: number,
  left: (value: number) => number,
  top: (value: number) => number,
): Html {
  const { style = 'line', points } = series;
  const { color, dash } = lookOf(series, index);
  let path = '';
  let broken = true;
  for (const [px, py] of points) {
    const [u, v] = [left(px), top(py)];
    if (!Number.isFinite(u) || !Number.isFinite(v)) {
      broken = true;
      continue;
    }
    // A line of no length with round ends is a dot, whatever the stretching.
    path += style === 'dots' ? `M${unit(u)} ${unit(v)}h0` : `${broken ? 'M' : 'L'}${unit(u)} ${unit(v)}`;
    broken = false;
  }
  return html`<path class="${style}" data-series="${index}" style="stroke:${color}"${dash !== '' && html` stroke-dasharray="${dash}"`} d="${path}"/>
`;
}

function legendEntry(series: PlotSeries, index: number): Html {
  const { name, style = 'line', swatch } = series;
  const { color, dash } = lookOf(series, index);
  const sample = style === 'dots' ? 'M12 5h0' : 'M0 5h24';
  return html`<button type="button" data-series="${index}" aria-pressed="true"><svg xmlns="http://www.w3.org/2000/svg" width="24" height="10" aria-hidden="true"><path class="${style}" style="stroke:${color}"${dash !== '' && html` stroke-dasharray="${dash}"`} d="${sample}"/></svg>${swatch !== undefined && html`<i class="swatch" style="background:${swatch}"></i>`}${name}</button>`;
}
