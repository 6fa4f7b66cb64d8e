import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nativeMemory } from '../../test/support/fake-native.js';
import { loadNative, readMemory, writeMemory } from './native.js';

describe('native memory', () => {
  it('gives back what was written, from any offset', () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 31) & 255);
    const address = nativeMemory(bytes);
    expect(readMemory(address, 1000)).toEqual(bytes);
    writeMemory(address + 10n, Uint8Array.of(1, 2, 3));
    expect([...readMemory(address + 9n, 5)]).toEqual([bytes[9], 1, 2, 3, bytes[13]]);
  });

  it('writes the part that a view shows, not its whole buffer', () => {
    const address = nativeMemory(4);
    writeMemory(address, Uint8Array.of(9, 1, 2, 3, 4, 9).subarray(1, 5));
    expect([...readMemory(address, 4)]).toEqual([1, 2, 3, 4]);
  });

  it('reads a copy of its own, which later writes do not change', () => {
    const address = nativeMemory(Uint8Array.of(5, 6));
    const copy = readMemory(address, 2);
    writeMemory(address, Uint8Array.of(7, 8));
    expect([...copy]).toEqual([5, 6]);
    expect(copy.buffer.byteLength).toBe(2);
  });

  it('reads nothing from nowhere', () => {
    expect(readMemory(0n, 0)).toEqual(new Uint8Array(0));
  });
});

describe('loadNative', () => {
  const numerics = { tensorFloat32: true, deterministic: false };

  it('fails with the reason of the system for a file that is missing or no library', () => {
    const dir = mkdtempSync(join(tmpdir(), 'codiff-native-'));
    try {
      const framework = join(dir, 'libframework.so');
      expect(() => loadNative({ framework, cc: framework }, numerics)).toThrow(/cannot open|no such file/i);
      writeFileSync(framework, 'no library');
      expect(() => loadNative({ framework, cc: framework }, numerics)).toThrow(/too short|invalid|not a mach-o/i);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
