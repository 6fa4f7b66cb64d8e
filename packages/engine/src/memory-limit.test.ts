import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeNative } from '../test/support/fake-native.js';
import { EngineError } from './errors.js';
import { canTake, limitMemory, limitTensors, tensorLimit } from './memory-limit.js';

const VARIABLE = 'TF_MKL_ALLOC_MAX_BYTES';
let before: string | undefined;
beforeEach(() => {
  before = process.env[VARIABLE];
  delete process.env[VARIABLE];
});
afterEach(() => {
  if (before === undefined) delete process.env[VARIABLE];
  else process.env[VARIABLE] = before;
});

describe('limitTensors', () => {
  it('tells the allocator in bytes, and takes it back', () => {
    const undo = limitTensors(300);
    expect(process.env[VARIABLE]).toBe(String(300 * 2 ** 20));
    expect(tensorLimit()).toBe(300 * 2 ** 20);
    undo();
    expect(tensorLimit()).toBeNull();
    expect(process.env[VARIABLE]).toBeUndefined();
  });

  it('gives back what the user had set', () => {
    process.env[VARIABLE] = '1000';
    const undo = limitTensors(1);
    expect(process.env[VARIABLE]).toBe('1048576');
    undo();
    expect(process.env[VARIABLE]).toBe('1000');
  });
});

describe('canTake', () => {
  it('tries all sizes at the same time, and gives all back', () => {
    const { native, named } = fakeNative();
    expect(canTake(native, [100, 50])).toBe(true);
    expect(named('TF_AllocateTensor').map((call) => (call[2] as number[])[0])).toEqual([100, 50]);
    expect(named('TF_DeleteTensor')).toHaveLength(2);
  });

  it('notices a tensor without memory, or none at all', () => {
    const noData = fakeNative({ TF_TensorData: () => null });
    expect(canTake(noData.native, [100])).toBe(false);
    expect(noData.named('TF_DeleteTensor')).toHaveLength(1);
    const none = fakeNative({ TF_AllocateTensor: () => null });
    expect(canTake(none.native, [100])).toBe(false);
    expect(none.named('TF_DeleteTensor')).toHaveLength(0);
  });
});

const proc = (file: string) => readFileSync(`/proc/self/${file}`, 'utf8');
const field = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1]);

describe('limitMemory', () => {
  // So much that this process never meets it: what counts is the limit that the kernel then names.
  const MIB = 2 ** 26;

  it.skipIf(process.platform !== 'linux')('bounds what comes on top of what is in use', () => {
    const limitMiB = () => field(proc('limits'), /^Max data size\s+(\d+)/m) / 2 ** 20;
    const usedMiB = () => field(proc('status'), /^VmData:\s+(\d+) kB/m) / 1024;
    const used = usedMiB();
    limitMemory(MIB);
    expect(limitMiB()).toBeGreaterThanOrEqual(MIB + used);
    expect(limitMiB()).toBeLessThanOrEqual(MIB + usedMiB() + 64);
  });

  it('says where it does not work, and what to do', () => {
    const { platform } = process;
    Object.defineProperty(process, 'platform', { value: 'darwin' });
    try {
      expect(() => limitMemory(100)).toThrow(EngineError);
      expect(() => limitMemory(100)).toThrow('useEngine: memoryLimitMiB on the CPU needs Linux; leave it out here');
    } finally {
      Object.defineProperty(process, 'platform', { value: platform });
    }
  });
});
