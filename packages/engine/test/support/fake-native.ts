import koffi from 'koffi';
import { type Native, type NativeFunction, type Pointer, writeMemory } from '../../src/capi/native.js';

/** One call of the C API: the function's name and what it was given. */
export type NativeCall = readonly [name: string, ...args: unknown[]];

/** What the fake functions answer; those not named answer a fresh pointer. */
export type Answers = Readonly<Record<string, (...args: never[]) => unknown>>;

/** A C API without a library behind it. */
export interface FakeNative {
  readonly native: Native;
  /** Every call so far, in order. */
  readonly calls: NativeCall[];
  /** The names called so far, of those given. */
  named(...names: string[]): NativeCall[];
  /** The status that the next `TF_GetCode` reports; 0 after that. */
  fail(code: number, text: string): void;
}

/**
 * A C API for tests of the code above it, where the real one cannot be: with cards that this machine lacks, memory that
 * runs out, calls whose order matters. Pointers are numbers that count up.
 */
export function fakeNative(answers: Answers = {}): FakeNative {
  const calls: NativeCall[] = [];
  let pointers = 1000n;
  let failure: readonly [code: number, text: string] = [0, ''];
  const own: Record<string, (...args: never[]) => unknown> = {
    TF_GetCode: () => {
      const [code] = failure;
      if (code === 0) return 0;
      const text = failure[1];
      failure = [0, ''];
      own.TF_Message = () => text;
      return code;
    },
    TF_Message: () => '',
  };
  const make = (name: string): NativeFunction => {
    const call = (...args: unknown[]): unknown => {
      calls.push([name, ...args]);
      const answer = (answers[name] ?? own[name]) as ((...args: unknown[]) => unknown) | undefined;
      return answer === undefined ? pointers++ : answer(...args);
    };
    // A worker thread answers later; the callback is the last argument.
    const async = (...args: unknown[]): void => {
      const done = args.pop() as (error: unknown, result: unknown) => void;
      setImmediate(() => {
        try {
          done(null, call(...args));
        } catch (error) {
          done(error, undefined);
        }
      });
    };
    return Object.assign(call, { async });
  };
  const functions = new Map<string | symbol, NativeFunction>();
  const native = new Proxy<Native>(
    {},
    {
      get: (_, name) => {
        const known = functions.get(name) ?? make(String(name));
        functions.set(name, known);
        return known;
      },
    },
  );
  return {
    native,
    calls,
    named: (...names) => calls.filter(([name]) => names.includes(name)),
    fail: (code, text) => {
      failure = [code, text];
    },
  };
}

/** Memory outside JavaScript, as the C API hands it out. It lives as long as the process. */
export function nativeMemory(bytes: Uint8Array | number): Pointer {
  const length = typeof bytes === 'number' ? bytes : bytes.byteLength;
  const address = koffi.address(koffi.alloc('uint8', Math.max(1, length)));
  if (typeof bytes !== 'number') writeMemory(address, bytes);
  return address;
}
