import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Engine } from '../engine.js';
import * as limits from '../memory-limit.js';
import { MemoryCheck } from './memory-check.js';

const MIB = 2 ** 20;

/** An engine that holds so many MiB. */
const holding = (mib: number): Engine =>
  ({
    binding: { slots: { savedBytes: 0, packedBytes: mib * MIB - tf.engine().state.numBytes }, runtime: { native: {} } },
  }) as object as Engine;
const limited = (mib: number | null): void => {
  vi.spyOn(limits, 'tensorLimit').mockReturnValue(mib === null ? null : mib * MIB);
  vi.spyOn(limits, 'canTake').mockReturnValue(true);
};
/** Of a call that takes two pieces of 20 MiB one after the other. */
const check = () =>
  new MemoryCheck('step', {
    bytes: 20 * MIB,
    largest: 20 * MIB,
    op: 'Conv2D',
    casts: 0,
    takings: [20 * MIB, -1, 20 * MIB],
  });
const none = () => ({ bytes: 0, held: false });

afterEach(() => vi.restoreAllMocks());

describe('MemoryCheck', () => {
  it('lets a call pass that fits, and any call where there is no limit', () => {
    limited(100);
    expect(() => check().refuseTooLarge(holding(60), none())).not.toThrow();
    limited(null);
    expect(() => check().refuseTooLarge(holding(1000), none())).not.toThrow();
  });

  it('refuses one that does not, with what it needs, where, and beside what', () => {
    limited(100);
    expect(() => check().refuseTooLarge(holding(90), none())).toThrow(
      /compile 'step': a call needs about 20 MiB, most of all at Conv2D, beside 90 MiB of tensors, and memoryLimitMiB is 100/,
    );
  });

  it('refuses one that just fits where the system has no memory', () => {
    limited(100);
    vi.mocked(limits.canTake).mockReturnValue(false);
    expect(() => check().refuseTooLarge(holding(75), none())).toThrow(/beside 75 MiB/);
    expect(() => check().refuseTooLarge(holding(20), none())).not.toThrow();
  });

  it('counts the weights that the function is going to keep, and once only', () => {
    limited(100);
    const packed = { bytes: 70 * MIB, held: false };
    expect(() => check().refuseTooLarge(holding(20), packed)).toThrow(/beside 90 MiB/);
    expect(() => check().refuseTooLarge(holding(20), { ...packed, held: true })).not.toThrow();
  });
});
