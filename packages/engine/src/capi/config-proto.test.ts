import { describe, expect, it } from 'vitest';
import { functionConfig, type SessionSettings, sessionConfig } from './config-proto.js';
import { fieldsOf } from './proto.js';

/** The fields of a message by number, nested ones as bytes. */
const decode = (bytes: Uint8Array): Record<number, number | Uint8Array> => Object.fromEntries(fieldsOf(bytes));
const inside = (message: Record<number, number | Uint8Array>, field: number) => decode(message[field] as Uint8Array);
const session = (settings: SessionSettings) => decode(sessionConfig(settings));

describe('sessionConfig', () => {
  it('always places softly (field 7), and asks for nothing else unasked', () => {
    expect(session({})).toEqual({ 7: 1 });
  });

  it('sets threads: inside an operation (2), between operations (5)', () => {
    expect(session({ intraOpThreads: 3, interOpThreads: 1 })).toEqual({ 2: 3, 5: 1, 7: 1 });
  });

  it('hides GPUs by device_count (1), an entry of key and value', () => {
    const entry = inside(session({ cpuOnly: true }), 1);
    expect(new TextDecoder().decode(entry[1] as Uint8Array)).toBe('GPU');
    expect(entry[2]).toBe(0);
  });

  it('grows GPU memory by gpu_options (6), allow_growth (4)', () => {
    expect(inside(session({ memoryGrowth: true }), 6)).toEqual({ 4: 1 });
    expect(session({ memoryGrowth: false })).toEqual({ 7: 1 });
  });

  it('limits GPU memory by one virtual device (9.1.1), packed floats of MiB', () => {
    const gpu = inside(session({ gpuMemoryLimitMiB: 1536, memoryGrowth: true }), 6);
    expect(gpu[4]).toBe(1);
    const packed = inside(inside(gpu, 9), 1)[1] as Uint8Array;
    expect(packed).toHaveLength(4);
    expect(new DataView(packed.slice().buffer).getFloat32(0, true)).toBe(1536);
  });
});

describe('functionConfig', () => {
  /** GraphOptions (10), RewriterConfig (10). */
  const rewriter = (...args: Parameters<typeof functionConfig>) =>
    inside(inside(decode(functionConfig(...args)), 10), 10);

  it('goes over a graph once (12), and no more for float32', () => {
    expect(rewriter('float32', 'cpu')).toEqual({ 12: 1 });
    expect(rewriter('float32', 'gpu')).toEqual({ 12: 1 });
  });

  it('switches on the mixed precision rewriter of the device', () => {
    expect(rewriter('bfloat16', 'cpu')).toEqual({ 12: 1, 31: 1 });
    expect(rewriter('float16', 'cpu')).toEqual({ 12: 1, 29: 1 });
    expect(rewriter('float16', 'gpu')).toEqual({ 12: 1, 23: 1 });
  });

  it('refuses what TensorFlow lacks, and says what to use', () => {
    expect(() => functionConfig('bfloat16', 'gpu')).toThrow(/no bfloat16 mode on GPUs; use precision 'float16'/);
  });
});
