import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setNumerics } from './numerics.js';

const VARIABLE = 'NVIDIA_TF32_OVERRIDE';
let before: string | undefined;
beforeEach(() => {
  before = process.env[VARIABLE];
  delete process.env[VARIABLE];
});
afterEach(() => {
  if (before === undefined) delete process.env[VARIABLE];
  else process.env[VARIABLE] = before;
});

type Library = Parameters<typeof setNumerics>[0];

/** A library with the named functions, and what was called in it. */
function library(has: RegExp) {
  const calls: [name: string, value: boolean][] = [];
  const func = (name: string) => {
    if (!has.test(name)) throw new Error(`no symbol ${name}`);
    return (value: boolean) => calls.push([name.replace(/^_ZN3tsl\d+|Eb$/g, ''), value]);
  };
  return { library: { func } as object as Library, calls };
}

describe('setNumerics', () => {
  it('turns TensorFloat-32 off, in TensorFlow and in what NVIDIA reads from the environment', () => {
    const { library: framework, calls } = library(/./);
    setNumerics(framework, { tensorFloat32: false, deterministic: false });
    expect(calls).toEqual([['enable_tensor_float_32_execution', false]]);
    expect(process.env[VARIABLE]).toBe('0');
  });

  it('leaves the environment alone when TensorFloat-32 is wanted, or the user has set it', () => {
    const { library: framework, calls } = library(/./);
    setNumerics(framework, { tensorFloat32: true, deterministic: false });
    expect(calls).toEqual([['enable_tensor_float_32_execution', true]]);
    expect(process.env[VARIABLE]).toBeUndefined();
    process.env[VARIABLE] = '1';
    setNumerics(framework, { tensorFloat32: false, deterministic: false });
    expect(process.env[VARIABLE]).toBe('1');
  });

  it('asks for deterministic kernels only where wanted', () => {
    const { library: framework, calls } = library(/Determinism/);
    setNumerics(framework, { tensorFloat32: true, deterministic: false });
    expect(calls).toEqual([]);
    setNumerics(framework, { tensorFloat32: true, deterministic: true });
    expect(calls).toEqual([['EnableOpDeterminism', true]]);
  });

  it('takes a library that lacks the functions as it is', () => {
    const { library: framework } = library(/nothing/);
    expect(() => setNumerics(framework, { tensorFloat32: false, deterministic: true })).not.toThrow();
  });
});
