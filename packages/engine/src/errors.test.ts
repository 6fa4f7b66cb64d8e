import { describe, expect, it } from 'vitest';
import { EngineError, statusError } from './errors.js';

describe('statusError', () => {
  it("names operation, device, shapes and TensorFlow's text", () => {
    const error = statusError(3, 'bad rank', { op: 'MatMul', device: 'cpu', inputShapes: [[2, 3], []] });
    expect(error).toBeInstanceOf(EngineError);
    expect(error.name).toBe('EngineError');
    expect(error.message).toBe('MatMul on cpu inputs [2,3] []: bad rank (invalid-argument).');
    expect(error).toMatchObject({ code: 'invalid-argument', op: 'MatMul', device: 'cpu', inputShapes: [[2, 3], []] });
  });

  it('says what to do when memory ran out', () => {
    expect(statusError(8, 'OOM').code).toBe('resource-exhausted');
    expect(statusError(8, 'OOM').message).toMatch(/smaller batch.*checkpointing.*memoryLimitMiB/);
  });

  it('does without details, and with a status it does not know', () => {
    expect(statusError(13, '').message).toBe('engine: internal (internal).');
    expect(statusError(99, 'what').code).toBe('unknown');
  });
});
