import { describe, expect, it } from 'vitest';
import { Philox, philoxBlock } from './philox.js';

/** A block as hexadecimal words. */
function block(counter: readonly number[], key: readonly number[]): string {
  const [c0 = 0, c1 = 0, c2 = 0, c3 = 0] = counter;
  const [k0 = 0, k1 = 0] = key;
  const out = new Int32Array(4);
  philoxBlock(out, c0, c1, c2, c3, k0, k1);
  return Array.from(out, (word) => (word >>> 0).toString(16).padStart(8, '0')).join(' ');
}

describe('philoxBlock', () => {
  it('gives the known answers of the Random123 distribution', () => {
    expect(block([0, 0, 0, 0], [0, 0])).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
    const ones = 0xffffffff;
    expect(block([ones, ones, ones, ones], [ones, ones])).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
    expect(block([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toBe(
      'd16cfe09 94fdcceb 5001e420 24126ea1',
    );
  });
});

describe('Philox', () => {
  const size = 100_001;
  const moments = (values: Float32Array) => {
    const mean = values.reduce((sum, x) => sum + x, 0) / size;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / size;
    return { mean, variance };
  };

  it('fills with uniform draws of the right range, mean and variance', () => {
    const values = new Float32Array(size);
    new Philox(1, 2).uniform(values, -3, 5);
    expect(Math.min(...values.subarray(0, 1000))).toBeGreaterThanOrEqual(-3);
    expect(values.every((x) => x >= -3 && x < 5)).toBe(true);
    const { mean, variance } = moments(values);
    // Five standard errors: 8 / sqrt(12 n) for the mean.
    expect(Math.abs(mean - 1)).toBeLessThan(5 * (8 / Math.sqrt(12 * size)));
    expect(Math.abs(variance - 64 / 12)).toBeLessThan(0.1);
  });

  it('fills with normal draws of the right mean, variance and tail', () => {
    const values = new Float32Array(size);
    new Philox(3, 4).normal(values, 2, 0.5);
    const { mean, variance } = moments(values);
    expect(Math.abs(mean - 2)).toBeLessThan((5 * 0.5) / Math.sqrt(size));
    expect(Math.abs(variance - 0.25)).toBeLessThan(0.25 * 5 * Math.sqrt(2 / size));
    const tail = values.filter((x) => Math.abs(x - 2) > 1).length / size; // two standard deviations: 4.55 %
    expect(Math.abs(tail - 0.0455)).toBeLessThan(0.004);
  });

  it('gives a value by its index alone, whatever the length', () => {
    const long = new Float32Array(11);
    const short = new Float32Array(6);
    for (const draw of ['uniform', 'normal'] as const) {
      new Philox(7, 8)[draw](long, 0, 1);
      new Philox(7, 8)[draw](short, 0, 1);
      expect([...long.subarray(0, 6)]).toEqual([...short]);
    }
  });

  it('differs by seed and by stream', () => {
    const first = (seed: number, stream: number) => {
      const values = new Float32Array(1);
      new Philox(seed, stream).uniform(values, 0, 1);
      return values[0];
    };
    expect(new Set([first(0, 0), first(1, 0), first(0, 1), first(1, 1)]).size).toBe(4);
  });
});
