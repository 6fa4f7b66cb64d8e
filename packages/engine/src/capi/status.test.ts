import { describe, expect, it } from 'vitest';
import { type FakeNative, fakeNative } from '../../test/support/fake-native.js';
import { EngineError } from '../errors.js';
import { Status } from './status.js';

const open = (): FakeNative & { status: Status } => {
  const fake = fakeNative({ TF_NewStatus: () => 77n });
  return { ...fake, status: new Status(fake.native) };
};

describe('Status', () => {
  it('is no error while the code is 0, and asks for no text then', () => {
    const { status, named } = open();
    expect(status.error()).toBeNull();
    expect(() => status.check({ op: 'MatMul' })).not.toThrow();
    expect(named('TF_Message')).toEqual([]);
  });

  it("makes an error of TensorFlow's code and text, with what the caller knows", () => {
    const { status, fail } = open();
    fail(3, 'shapes differ');
    const error = status.error({ op: 'MatMul', inputShapes: [[2, 3]] });
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: 'invalid-argument', op: 'MatMul', inputShapes: [[2, 3]] });
    expect(error!.message).toBe('MatMul inputs [2,3]: shapes differ (invalid-argument).');
  });

  it('looks up what the caller knows only for an error', () => {
    const { status, fail } = open();
    let asked = 0;
    const context = () => ({ op: `MatMul${++asked}` });
    expect(status.error(context)).toBeNull();
    fail(3, 'shapes differ');
    expect(status.error(context)).toMatchObject({ op: 'MatMul1' });
  });

  it('throws it in check', () => {
    const { status, fail } = open();
    fail(5, 'gone');
    expect(() => status.check({ op: 'Read' })).toThrow('Read: gone (not-found).');
  });

  it('frees what it made', () => {
    const { status, named } = open();
    status.dispose();
    expect(named('TF_DeleteStatus')).toEqual([['TF_DeleteStatus', 77n]]);
  });
});
