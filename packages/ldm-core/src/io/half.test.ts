import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat32, float32ToBfloat16, float32ToHalf, halfToFloat32 } from './half.js';

const half = (value: number) => {
  const output = new Uint16Array(1);
  float32ToHalf(Float32Array.of(value), output);
  return output[0];
};

describe('float16', () => {
  it('takes every one of the 65 536 values to float32 and back', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const values = new Float32Array(65536);
    halfToFloat32(all, values);
    const back = new Uint16Array(65536);
    float32ToHalf(values, back);
    const wrong = [...all].filter((bits) =>
      Number.isNaN(values[bits]) ? (bits & 0x7c00) !== 0x7c00 : back[bits] !== bits,
    );
    expect(wrong).toEqual([]);
    expect([values[0x3c00], values[0xc000], values[0x7bff], values[1], values[0x7c00]]).toEqual([
      1,
      -2,
      65504,
      2 ** -24,
      Infinity,
    ]);
  });

  it('rounds to nearest, ties to even', () => {
    expect(half(1 + 2 ** -11)).toBe(0x3c00); // halfway between 1 and the next: even is 1
    expect(half(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(half(1 + 2 ** -11 + 2 ** -20)).toBe(0x3c01);
    expect(half(2 ** -25)).toBe(0); // halfway to the smallest subnormal
    expect(half(1.5 * 2 ** -24)).toBe(2);
    expect(half(65519)).toBe(0x7bff);
    expect(half(65520)).toBe(0x7c00);
    expect(half(-1e10)).toBe(0xfc00);
    expect(half(Number.NaN)! & 0x7fff).toBeGreaterThan(0x7c00);
  });
});

describe('bfloat16', () => {
  it('is the upper half of a float32, rounded to nearest, ties to even', () => {
    const input = Float32Array.of(1, -2.5, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38, Number.NaN, -0);
    const bits = new Uint16Array(input.length);
    float32ToBfloat16(input, bits);
    const output = new Float32Array(input.length);
    bfloat16ToFloat32(bits, output);
    expect([...output]).toEqual([1, -2.5, 1, 1 + 2 ** -6, Infinity, Number.NaN, -0]);
  });
});
