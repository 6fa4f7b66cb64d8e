import { describe, expect, it } from 'vitest';
import { lossPlots, runPlots, smooth, thin } from './curves.js';
import type { LogPoint } from './run-log.js';

const count = (n: number, value: (i: number) => number): LogPoint[] =>
  Array.from({ length: n }, (_, i) => [i, value(i)] as const);

describe('smoothing', () => {
  it('keeps a constant, starts at the first value, passes over what is not finite', () => {
    expect(smooth(count(200, () => 3)).every(([, y]) => Math.abs(y - 3) < 1e-12)).toBe(true);
    const some = smooth(count(100, (i) => (i === 5 ? Number.NaN : i)));
    expect(some).toHaveLength(99);
    expect(some[0]).toEqual([0, 0]);
    // By hand: 100 points, weight 1 - 1/4; the second is (0.75 * 0.25 * 0 + 0.25 * 1) / (0.75 * 0.25 + 0.25).
    expect(some[1]![1]).toBeCloseTo(0.25 / 0.4375, 12);
  });
});

describe('thinning', () => {
  it('keeps the outline and the order', () => {
    const points = count(10_000, (i) => (i === 4321 ? 99 : Math.sin(i)));
    const thinned = thin(points, 100);
    expect(thinned.length).toBeLessThanOrEqual(100);
    expect(thinned).toContainEqual([4321, 99]);
    expect(thinned.every(([x], i) => i === 0 || x > thinned[i - 1]![0])).toBe(true);
    expect(thin(points.slice(0, 100), 100)).toEqual(points.slice(0, 100));
  });
});

describe('plots of a run', () => {
  const scalars = new Map<string, readonly LogPoint[]>([
    ['train/loss', count(30, (i) => 1 / (i + 1))],
    ['lr-AdamW', count(3, () => 1e-4)],
    ['epoch', count(3, () => 0)],
    ['speed/images_per_second', count(3, (i) => i)],
    ['val/loss_simple', count(2, () => 0.5)],
    ['val/loss_simple_ema', count(2, () => 0.4)],
    ['train/loss_simple', count(30, () => 0.6)],
  ]);

  it('put a value of all splits into one plot, that of the monitor first', () => {
    const [first, second, ...rest] = lossPlots(scalars, 'val/loss_simple_ema').map(({ text }) => text);
    expect(rest).toEqual([]);
    expect(first).toContain('id="curve-loss_simple"');
    for (const name of ['train, smoothed', 'val', 'val (EMA)']) expect(first).toContain(`</svg>${name}</button>`);
    expect(first).toContain('ranks the checkpoints');
    expect(second).toContain('id="curve-loss"');
    expect(second).not.toContain('logarithmic');
  });

  it('go by powers of ten where values span many', () => {
    const wide = new Map([['train/loss', count(5, (i) => 10 ** i)]]);
    expect(lossPlots(wide, null)[0]!.text).toContain('logarithmic');
    expect(lossPlots(new Map([['train/loss', [[1, Number.NaN]] as LogPoint[]]]), null)[0]!.text).toContain('<svg');
  });

  it('tell rate and speed', () => {
    expect(runPlots(scalars).map(({ text }) => /<figcaption>(.*?)</.exec(text)![1])).toEqual([
      'Learning rate: 1e-4 throughout',
      'Speed',
    ]);
  });
});
