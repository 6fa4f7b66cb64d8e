import { describe, expect, it } from 'vitest';
import { parsePickle } from './pickle.js';
import { InertGlobals } from './pickle-globals.js';
import { PickleFault, PickleTruncated } from './pickle-reader.js';
import { PickleDict, PickleGlobal, PickleObject, PickleSet, PickleTuple, type PickleValue } from './pickle-value.js';

/** pickle.dumps of one value (below) by CPython, protocols 0 to 5. */
const DUMPS: Readonly<Record<number, string>> = {
  0: 'KGRwMApWbm9uZQpwMQpOc1Zib29scwpwMgoobHAzCkkwMQphSTAwCmFzVmludHMKcDQKKGxwNQpJMAphSS0xCmFJMjU1CmFJNjU1MzYKYUktMjE0NzQ4MzY0OAphTDEwOTk1MTE2Mjc3NzZMCmFMLTExODA1OTE2MjA3MTc0MTEzMDM0MjRMCmFzVmZsb2F0CnA2CkYtMS41CnNWdGV4dApwNwpWaOlsbG8gXFUwMDAxZjYwMFx1MDAwYQpwOApzVmJ5dGVzCnA5CmNfY29kZWNzCmVuY29kZQpwMTAKKFZcdTAwMDD/YWIKcDExClZsYXRpbjEKcDEyCnRwMTMKUnAxNApzVnR1cGxlCnAxNQooKHQoSTEKdHAxNgooSTEKSTIKdHAxNwooSTEKSTIKSTMKdHAxOAooSTEKSTIKSTMKSTQKdHAxOQp0cDIwCnNWc2V0CnAyMQpjX19idWlsdGluX18Kc2V0CnAyMgooKGxwMjMKSTcKYXRwMjQKUnAyNQpzVmZyb3plbgpwMjYKY19fYnVpbHRpbl9fCmZyb3plbnNldApwMjcKKChscDI4Ckk4CmF0cDI5ClJwMzAKc1ZuZXN0ZWQKcDMxCihkcDMyClZhCnAzMwooZHAzNApWYgpwMzUKKGxwMzYKKGRwMzcKYXNzc0kzClZpbnQga2V5CnAzOApzVnNoYXJlZApwMzkKZzMyCnMu',
  1: 'fXEAKFgEAAAAbm9uZXEBTlgFAAAAYm9vbHNxAl1xAyhJMDEKSTAwCmVYBAAAAGludHNxBF1xBShLAEr/////S/9KAAABAEoAAACATDEwOTk1MTE2Mjc3NzZMCkwtMTE4MDU5MTYyMDcxNzQxMTMwMzQyNEwKZVgFAAAAZmxvYXRxBke/+AAAAAAAAFgEAAAAdGV4dHEHWAwAAABow6lsbG8g8J+YgApxCFgFAAAAYnl0ZXNxCWNfY29kZWNzCmVuY29kZQpxCihYBQAAAADDv2FicQtYBgAAAGxhdGluMXEMdHENUnEOWAUAAAB0dXBsZXEPKCkoSwF0cRAoSwFLAnRxEShLAUsCSwN0cRIoSwFLAksDSwR0cRN0cRRYAwAAAHNldHEVY19fYnVpbHRpbl9fCnNldApxFihdcRdLB2F0cRhScRlYBgAAAGZyb3plbnEaY19fYnVpbHRpbl9fCmZyb3plbnNldApxGyhdcRxLCGF0cR1ScR5YBgAAAG5lc3RlZHEffXEgWAEAAABhcSF9cSJYAQAAAGJxI11xJH1xJWFzc0sDWAcAAABpbnQga2V5cSZYBgAAAHNoYXJlZHEnaCB1Lg==',
  2: 'gAJ9cQAoWAQAAABub25lcQFOWAUAAABib29sc3ECXXEDKIiJZVgEAAAAaW50c3EEXXEFKEsASv////9L/0oAAAEASgAAAICKBgAAAAAAAYoJAAAAAAAAAADAZVgFAAAAZmxvYXRxBke/+AAAAAAAAFgEAAAAdGV4dHEHWAwAAABow6lsbG8g8J+YgApxCFgFAAAAYnl0ZXNxCWNfY29kZWNzCmVuY29kZQpxClgFAAAAAMO/YWJxC1gGAAAAbGF0aW4xcQyGcQ1ScQ5YBQAAAHR1cGxlcQ8oKUsBhXEQSwFLAoZxEUsBSwJLA4dxEihLAUsCSwNLBHRxE3RxFFgDAAAAc2V0cRVjX19idWlsdGluX18Kc2V0CnEWXXEXSwdhhXEYUnEZWAYAAABmcm96ZW5xGmNfX2J1aWx0aW5fXwpmcm96ZW5zZXQKcRtdcRxLCGGFcR1ScR5YBgAAAG5lc3RlZHEffXEgWAEAAABhcSF9cSJYAQAAAGJxI11xJH1xJWFzc0sDWAcAAABpbnQga2V5cSZYBgAAAHNoYXJlZHEnaCB1Lg==',
  3: 'gAN9cQAoWAQAAABub25lcQFOWAUAAABib29sc3ECXXEDKIiJZVgEAAAAaW50c3EEXXEFKEsASv////9L/0oAAAEASgAAAICKBgAAAAAAAYoJAAAAAAAAAADAZVgFAAAAZmxvYXRxBke/+AAAAAAAAFgEAAAAdGV4dHEHWAwAAABow6lsbG8g8J+YgApxCFgFAAAAYnl0ZXNxCUMEAP9hYnEKWAUAAAB0dXBsZXELKClLAYVxDEsBSwKGcQ1LAUsCSwOHcQ4oSwFLAksDSwR0cQ90cRBYAwAAAHNldHERY2J1aWx0aW5zCnNldApxEl1xE0sHYYVxFFJxFVgGAAAAZnJvemVucRZjYnVpbHRpbnMKZnJvemVuc2V0CnEXXXEYSwhhhXEZUnEaWAYAAABuZXN0ZWRxG31xHFgBAAAAYXEdfXEeWAEAAABicR9dcSB9cSFhc3NLA1gHAAAAaW50IGtleXEiWAYAAABzaGFyZWRxI2gcdS4=',
  4: 'gASV+AAAAAAAAAB9lCiMBG5vbmWUTowFYm9vbHOUXZQoiIlljARpbnRzlF2UKEsASv////9L/0oAAAEASgAAAICKBgAAAAAAAYoJAAAAAAAAAADAZYwFZmxvYXSUR7/4AAAAAAAAjAR0ZXh0lIwMaMOpbGxvIPCfmIAKlIwFYnl0ZXOUQwQA/2FilIwFdHVwbGWUKClLAYWUSwFLAoaUSwFLAksDh5QoSwFLAksDSwR0lHSUjANzZXSUj5QoSweQjAZmcm96ZW6UKEsIkZSMBm5lc3RlZJR9lIwBYZR9lIwBYpRdlH2UYXNzSwOMB2ludCBrZXmUjAZzaGFyZWSUaBZ1Lg==',
  5: 'gAWV+AAAAAAAAAB9lCiMBG5vbmWUTowFYm9vbHOUXZQoiIlljARpbnRzlF2UKEsASv////9L/0oAAAEASgAAAICKBgAAAAAAAYoJAAAAAAAAAADAZYwFZmxvYXSUR7/4AAAAAAAAjAR0ZXh0lIwMaMOpbGxvIPCfmIAKlIwFYnl0ZXOUQwQA/2FilIwFdHVwbGWUKClLAYWUSwFLAoaUSwFLAksDh5QoSwFLAksDSwR0lHSUjANzZXSUj5QoSweQjAZmcm96ZW6UKEsIkZSMBm5lc3RlZJR9lIwBYZR9lIwBYpRdlH2UYXNzSwOMB2ludCBrZXmUjAZzaGFyZWSUaBZ1Lg==',
};

const bytes = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

function parse(data: Uint8Array | string, extra: readonly string[] = []): PickleValue {
  const context = {
    globals: new InertGlobals(extra),
    persistentLoad: (id: PickleValue, at: number): PickleValue => {
      throw new PickleFault(`persistent id ${typeof id}`, at);
    },
  };
  return parsePickle(typeof data === 'string' ? bytes(data) : data, 0, context).value;
}

/** As plain JavaScript, with tuples and sets marked. */
function plain(value: PickleValue): unknown {
  if (value instanceof PickleDict)
    return Object.fromEntries([...value.entries].map(([key, item]) => [key, plain(item)]));
  if (value instanceof PickleTuple) return { tuple: value.items.map(plain) };
  if (value instanceof PickleSet) return { set: value.items.map(plain) };
  return Array.isArray(value) ? value.map(plain) : value;
}

describe('parsePickle', () => {
  it.each([0, 1, 2, 3, 4, 5])('reads protocol %i', (protocol) => {
    const data = bytes(atob(DUMPS[protocol]!));
    const value = parse(data);
    expect(plain(value)).toEqual({
      none: null,
      bools: [true, false],
      ints: [0, -1, 255, 65536, -2147483648, 2 ** 40, -(2n ** 70n)],
      float: -1.5,
      text: 'h\u00e9llo \u{1f600}\n',
      bytes: Uint8Array.of(0, 255, 97, 98),
      tuple: {
        tuple: [{ tuple: [] }, { tuple: [1] }, { tuple: [1, 2] }, { tuple: [1, 2, 3] }, { tuple: [1, 2, 3, 4] }],
      },
      set: { set: [7] },
      frozen: { set: [8] },
      nested: { a: { b: [{}] } },
      3: 'int key',
      shared: { a: { b: [{}] } },
    });
    if (value instanceof PickleDict) expect(value.get('shared')).toBe(value.get('nested'));
  });

  it('tells where a pickle ends', () => {
    const data = bytes('K\x05.K\x06.');
    const context = { globals: new InertGlobals(), persistentLoad: () => null };
    const first = parsePickle(data, 0, context);
    expect(first).toEqual({ value: 5, end: 3 });
    expect(parsePickle(data, first.end, context)).toEqual({ value: 6, end: 6 });
  });

  it('holds classes as dictionary keys, one object a name', () => {
    const value = parse(
      '}(cpytorch_lightning.callbacks.model_checkpoint\nModelCheckpoint\nK\x01cpytorch_lightning.callbacks.x\nEarlyStop\nK\x02u.',
    );
    expect(value).toBeInstanceOf(PickleDict);
    if (value instanceof PickleDict) {
      const paths = [...value.entries.keys()].map((key) => (key instanceof PickleGlobal ? key.path : key));
      expect(paths).toEqual([
        'pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint',
        'pytorch_lightning.callbacks.x.EarlyStop',
      ]);
    }
  });

  it('keeps instances of listed packages inert, with arguments and state', () => {
    const value = parse('comegaconf.listconfig\nListConfig\n)\x81}X\x01\x00\x00\x00aK\x07sb.');
    expect(value).toBeInstanceOf(PickleObject);
    if (value instanceof PickleObject) expect(plain(value.state)).toEqual({ a: 7 });
  });

  it('reads numpy scalars', () => {
    const dtype = 'cnumpy\ndtype\n(X\x02\x00\x00\x00f8I00\nI01\ntR';
    expect(parse(`cnumpy.core.multiarray\nscalar\n(${dtype}C\x08\0\0\0\0\0\0\xf8?tR.`)).toBe(1.5);
  });

  it.each([
    ['posix.system', 'cposix\nsystem\n(X\x04\x00\x00\x00truetR.'],
    ['builtins.eval', 'c__builtin__\neval\n.'],
    ['builtins.getattr', '\x8c\x08builtins\x8c\x07getattr\x93.'],
    ['os.system', '(ios\nsystem\n.'],
    ['torch.load', 'ctorch\nload\n.'],
    ['torch.hub.load', 'ctorch.hub\nload\n.'],
    ['pytorch_lightningx.A', 'cpytorch_lightningx\nA\n.'],
  ])('refuses %s by name', (name, data) => {
    expect(() => parse(data)).toThrow(name);
    try {
      parse(data);
    } catch (error) {
      expect(error).toBeInstanceOf(PickleFault);
      if (error instanceof PickleFault) expect(error.global).toBe(name);
    }
    expect(() => parse(data, [name])).not.toThrow(name);
  });

  it.each([
    ['an empty stack', '.', /operand is missing/],
    ['a pop through a mark', '(K\x01\x85\x85\x86.', /operand is missing/],
    ['a missing mark', 'K\x01t.', /mark is missing/],
    ['an unset memo entry', 'h\x05.', /never set/],
    ['an unknown instruction', '\xff.', /0xff/],
    ['an extension code', '\x82\x01.', /0x82/],
    ['out-of-band buffers', '\x97.', /0x97/],
    ['protocol 9', '\x80\x09.', /protocol 9/],
    ['a call of data', 'K\x01)R.', /other than a global/],
    ['arguments that are no tuple', 'ctorch\nSize\nK\x01R.', /arguments are number/],
    ['a key twice', '}(X\x01\x00\x00\x00aK\x01X\x01\x00\x00\x00aK\x02u.', /'a' occurs twice/],
    ['a key without value', '}(K\x01u.', /no value/],
    ['entries put into a number', 'K\x01(K\x01K\x02u.', /entries go into/],
    ['items put into a dictionary', '}(K\x01e.', /items go into/],
    ['text that is not UTF-8', 'X\x01\x00\x00\x00\xff.', /UTF-8/],
    ['an integer of 2 GiB', '\x8b\xff\xff\xff\x7f.', /integer of/],
    ['a negative length', 'T\xff\xff\xff\xff.', /length/],
    ['a line without end', `S${'x'.repeat(5000)}\n.`, /longer than/],
    [
      'a module name of a megabyte',
      `\x8d${'\0\0\x10\0\0\0\0\0'}${'m'.repeat(2 ** 20)}\x8c\x01n\x93.`,
      /name of 1048577/,
    ],
  ])('refuses %s', (_, data, problem) => {
    expect(() => parse(data)).toThrow(problem);
  });

  it.each([
    ['text', 'X\xff\xff\xff\xffabc'],
    ['bytes of 2^62', '\x8e\0\0\0\0\0\0\0\x40abc'],
    ['an instruction', 'K'],
    ['everything', ''],
  ])('reports truncation of %s before taking memory', (_, data) => {
    expect(() => parse(data)).toThrow(PickleTruncated);
  });

  it('bounds nesting, containers and memo entries', () => {
    expect(() => parse('('.repeat(20_000))).toThrow(/too deep/);
    expect(() => parse(`${']'.repeat(1_000_002)}.`)).toThrow(/more than 1000000 lists/);
    expect(() => parse(`N${'\x94'.repeat(2_000_002)}.`)).toThrow(/memo entries/);
  });

  it('counts copies, so that one list cannot be copied without end', () => {
    const list = `](${'K\x01'.repeat(1000)}e\x85q\x00`;
    const copies = 'cbuiltins\nset\nh\x00R0'.repeat(2000);
    expect(() => parse(`${list}${copies}N.`)).toThrow(/more than 1000000/);
  });

  it('survives containers that contain themselves', () => {
    const value = parse(']q\x00h\x00a.');
    expect(Array.isArray(value) && value[0]).toBe(value);
  });
});
