/** A point: time per image of a batch, relative to batch 1. */
export interface GrowthPoint {
  /** The line it belongs to. */
  readonly line: string;
  readonly batch: number;
  readonly relative: number;
}

const [WIDTH, HEIGHT] = [640, 360];
const MARGIN = { left: 56, right: 200, top: 24, bottom: 44 };
/** Colours that hold on white and on black. */
const COLOURS = ['#1f77b4', '#d95f02', '#2ca02c', '#9467bd', '#c2185b', '#7f7f7f', '#8c6d31', '#17a2b8'];
/** Most that a batch may cost more for each image. */
const GOAL = 1.05;

/** Time per image against batch size, a line for each model, precision and number of threads: SVG. */
export function growthPlot(points: readonly GrowthPoint[]): string {
  const batches = [...new Set(points.map(({ batch }) => batch))].sort((a, b) => a - b);
  const most = Math.max(1.2, ...points.map(({ relative }) => relative * 1.05));
  const least = Math.min(0.6, ...points.map(({ relative }) => relative * 0.95));
  const x = (batch: number): number =>
    MARGIN.left + (batches.indexOf(batch) / Math.max(1, batches.length - 1)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (relative: number): number =>
    MARGIN.top + ((most - relative) / (most - least)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const names = [...new Set(points.map(({ line }) => line))];
  const right = WIDTH - MARGIN.right;
  const text = (at: readonly [number, number], value: string, more = ''): string =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" ${more}>${value}</text>`;
  const rule = (value: number, style: string): string =>
    `<line x1="${MARGIN.left}" x2="${right}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}" ${style}/>`;
  const ticks = Array.from({ length: 40 }, (_, i) => (i + 1) / 5).filter((value) => value >= least && value <= most);
  const lines = names.map((name, i) => {
    const colour = COLOURS[i % COLOURS.length]!;
    const own = points.filter(({ line }) => line === name).sort((a, b) => a.batch - b.batch);
    const path = own.map(({ batch, relative }) => `${x(batch).toFixed(1)},${y(relative).toFixed(1)}`);
    return [
      `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${path.join(' ')}"/>`,
      ...path.map(
        (point) => `<circle cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="3" fill="${colour}"/>`,
      ),
      text([right + 12, MARGIN.top + 12 + 18 * i], name, `fill="${colour}"`),
    ].join('\n');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#7f7f7f">`,
    '<title>Time per image relative to batch 1</title>',
    ...ticks.map((value) => rule(value, 'stroke="#7f7f7f" stroke-opacity="0.25"')),
    ...ticks.map((value) => text([MARGIN.left - 8, y(value) + 4], value.toFixed(1), 'text-anchor="end"')),
    rule(GOAL, 'stroke="#c2185b" stroke-dasharray="4 4"'),
    text([right - 4, y(GOAL) - 4], '5 % above batch 1', 'text-anchor="end" fill="#c2185b"'),
    ...batches.map((batch) => text([x(batch), HEIGHT - MARGIN.bottom + 18], String(batch), 'text-anchor="middle"')),
    text([(MARGIN.left + right) / 2, HEIGHT - 8], 'images at once', 'text-anchor="middle"'),
    text([MARGIN.left, 14], 'time per image, relative to one at a time'),
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}
