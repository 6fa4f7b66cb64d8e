import { formatNumber, type Html, html, linePlot, type PlotSeries } from '@codiff/codiff';
import type { LogPoint } from './run-log.js';

/** Points of a line at most: beyond it, neighbours are drawn by their least and greatest value. */
const MOST_POINTS = 800;
/** A smoothed value looks back over about this share of the points. */
const SMOOTH_SHARE = 1 / 25;
/** Ratio of values above which a plot goes by powers of ten. */
const LOG_RATIO = 30;

/** An exponential mean that forgets evenly, and starts without a bias; values that are not finite are passed over. */
export function smooth(points: readonly LogPoint[]): LogPoint[] {
  const weight = 1 - 1 / Math.max(1, points.length * SMOOTH_SHARE);
  let [mean, count] = [0, 0];
  return points.flatMap(([step, value]) => {
    if (!Number.isFinite(value)) return [];
    mean = weight * mean + (1 - weight) * value;
    count = weight * count + (1 - weight);
    return [[step, mean / count] as const];
  });
}

/** Fewer points of the same outline: of each stretch the least and the greatest, in their order. */
export function thin(points: readonly LogPoint[], most = MOST_POINTS): readonly LogPoint[] {
  if (points.length <= most) return points;
  const stretches = Math.floor(most / 2);
  return Array.from({ length: stretches }, (_, i) => {
    const part = points.slice(
      Math.floor((i * points.length) / stretches),
      Math.floor(((i + 1) * points.length) / stretches),
    );
    const finite = part.filter(([, value]) => Number.isFinite(value));
    if (finite.length === 0) return part.slice(0, 1);
    const least = finite.reduce((a, b) => (b[1] < a[1] ? b : a));
    const most = finite.reduce((a, b) => (b[1] > a[1] ? b : a));
    return least === most ? [least] : [least, most].sort((a, b) => a[0] - b[0]);
  }).flat();
}

/** Where a value was measured: `train/loss` is the value `loss` of the split `train`. */
const splitOf = (name: string): readonly [split: string, value: string] => {
  const [, split, value] = /^(train|val|test)\/(.+)$/.exec(name) ?? [];
  return split === undefined || value === undefined ? ['', name] : [split, value];
};

/** Values that tell of a run how it went, not what was learned. */
const ABOUT_THE_RUN = /^(speed\/|epoch$|lr-|lr$)/;

/** Plots of all values of a log. @param monitor the value that ranks checkpoints; its plot comes first */
export function lossPlots(scalars: ReadonlyMap<string, readonly LogPoint[]>, monitor: string | null): Html[] {
  const groups = new Map<string, Map<string, readonly LogPoint[]>>();
  for (const [name, points] of scalars) {
    if (ABOUT_THE_RUN.test(name)) continue;
    const [split, value] = splitOf(name);
    // A value of averaged weights belongs beside the one of the weights themselves.
    const group = groups.get(value.replace(/_ema$/, '')) ?? new Map<string, readonly LogPoint[]>();
    group.set(value.endsWith('_ema') ? `${split} (EMA)` : split, points);
    groups.set(value.replace(/_ema$/, ''), group);
  }
  const first = monitor === null ? '' : splitOf(monitor)[1].replace(/_ema$/, '');
  return [...groups]
    .sort(([a], [b]) => Number(b === first) - Number(a === first))
    .map(([value, splits]) => lossPlot(value, splits, value === first ? monitor : null));
}

function lossPlot(value: string, splits: ReadonlyMap<string, readonly LogPoint[]>, monitor: string | null): Html {
  const series: PlotSeries[] = [];
  for (const [split, points] of splits) {
    if (split === 'train' || split === '') {
      const name = split === '' ? value : split;
      if (points.length > 20) {
        series.push({ name, style: 'faint', look: 0, points: thin(points) });
        series.push({ name: `${name}, smoothed`, look: 0, points: thin(smooth(points)) });
      } else series.push({ name, look: 0, points });
    } else {
      series.push({
        name: split,
        style: 'dots',
        look: series.filter(({ style }) => style === 'dots').length + 1,
        points,
      });
    }
  }
  const all = series.flatMap(({ points }) => points.map(([, y]) => y)).filter(Number.isFinite);
  const [least, most] = all.reduce(
    ([a, b], y) => [Math.min(a, y), Math.max(b, y)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  const best = [...splits].flatMap(([split, points]) => (split.startsWith('val') ? points : []));
  return linePlot({
    id: `curve-${value.replace(/[^\w-]/g, '-')}`,
    title: value,
    x: { label: 'optimizer step' },
    y: { label: value, scale: least > 0 && most / least > LOG_RATIO ? 'log' : 'linear' },
    series,
    ...(monitor === null || best.length === 0 ? {} : { note: html`<code>${monitor}</code> ranks the checkpoints.` }),
  });
}

/** Plots of learning rates and speed. */
export function runPlots(scalars: ReadonlyMap<string, readonly LogPoint[]>): Html[] {
  const of = (pattern: RegExp): PlotSeries[] =>
    [...scalars].filter(([name]) => pattern.test(name)).map(([name, points]) => ({ name, points: thin(points) }));
  const plots: Html[] = [];
  const add = (id: string, title: string, unit: string, series: PlotSeries[], range?: readonly [number, number]) => {
    if (series.length === 0) return;
    plots.push(
      linePlot({ id, title, x: { label: 'optimizer step' }, y: { label: unit, ...(range ? { range } : {}) }, series }),
    );
  };
  const rates = of(/^lr(-|$)/);
  const constant = rates.every(({ points }) => points.every(([, y]) => y === points[0]![1]));
  add(
    'learning-rate',
    constant && rates.length > 0
      ? `Learning rate: ${formatNumber(rates[0]!.points[0]?.[1] ?? 0)} throughout`
      : 'Learning rate',
    'learning rate',
    rates,
  );
  add('speed', 'Speed', 'images per second', of(/^speed\/images_per_second$/));
  add('waiting', 'Waiting for data', 'share of the time', of(/^speed\/data_wait_share$/), [0, 1]);
  return plots;
}
