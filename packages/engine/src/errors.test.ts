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

  it("names a process that was lost, without TensorFlow's remarks", () => {
    const text =
      '{{function_node step_0}} Collective ops is aborted by: recvmsg:Connection reset by peer\nAdditional GRPC error information from remote target /job:worker/replica:0/task:3 while calling x:\n:UNKNOWN\nRestart your program to reset.';
    expect(statusError(14, text, { op: 'step', inputShapes: [[1]] })).toMatchObject({
      code: 'unavailable',
      message:
        'step: the all-reduce with the other processes ended: process 3 of the cluster was lost: recvmsg:Connection reset by peer. None of them can go on: start all of them again (unavailable).',
    });
  });
});
