import type { Curve, ShippedRecord } from './shipped-record.js';

const [WIDTH, HEIGHT] = [480, 200];
const PLOT = { left: 52, right: 8, top: 10, bottom: 32 };
/** Ratio of values beyond which the axis goes by powers of ten. */
const LOG_RATIO = 8;

/** The losses of a training as a picture that stands alone: a line for training, dots for held-out faces. */
export function curveSvg({ curves: { name, train, validation }, stage, steps }: ShippedRecord): string {
  const values = [...train, ...validation].map(([, value]) => value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const logarithmic = least > 0 && most / least > LOG_RATIO;
  const scaled = (value: number): number => (logarithmic ? Math.log(value) : value);
  const share = (value: number): number =>
    most === least ? 0.5 : (scaled(value) - scaled(least)) / (scaled(most) - scaled(least));
  const x = (step: number): string => (PLOT.left + (step / steps) * (WIDTH - PLOT.left - PLOT.right)).toFixed(1);
  const y = (value: number): string => (PLOT.top + (1 - share(value)) * (HEIGHT - PLOT.top - PLOT.bottom)).toFixed(1);
  const points = (curve: Curve): string => curve.map(([step, value]) => `${x(step)},${y(value)}`).join(' ');
  const middle = logarithmic ? Math.sqrt(least * most) : (least + most) / 2;
  const rules = [least, middle, most].map(
    (value) =>
      `<path d="M${PLOT.left} ${y(value)}H${WIDTH - PLOT.right}" stroke="#ccc"/>` +
      `<text x="${PLOT.left - 6}" y="${y(value)}" text-anchor="end" dominant-baseline="middle">${Number(value.toPrecision(3))}</text>`,
  );
  const dots = validation.map(([step, value]) => `<circle cx="${x(step)}" cy="${y(value)}" r="3" fill="#c2410c"/>`);
  const bottom = HEIGHT - PLOT.bottom + 14;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="11" fill="#444">`,
    `<title>${stage}: ${name} of training (line) and of held-out faces (dots) by optimizer step</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...rules,
    `<polyline points="${points(train)}" fill="none" stroke="#1d4ed8" stroke-width="1.5"/>`,
    ...dots,
    `<text x="${PLOT.left}" y="${bottom}">0</text>`,
    `<text x="${WIDTH - PLOT.right}" y="${bottom}" text-anchor="end">step ${steps}</text>`,
    `<text x="${WIDTH / 2}" y="${HEIGHT - 4}" text-anchor="middle">${name}${logarithmic ? ', logarithmic' : ''}: line training, dots held-out</text>`,
    '</svg>',
    '',
  ].join('\n');
}
