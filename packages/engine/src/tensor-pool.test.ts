import { describe, expect, it } from 'vitest';
import { fakeNative } from '../test/support/fake-native.js';
import { allocatedBytes, reserveFirstRegion } from './tensor-pool.js';

const MIB = 2 ** 20;
const ADDRESS = 2n ** 40n;

/** A C API whose tensors take this much of the process's memory, for as long as the test keeps `held`. */
function poolThatTakes(share: number) {
  const held: Uint8Array[] = [];
  const fake = fakeNative({
    TF_AllocateTensor: (_type: number, _dims: number[], _rank: number, bytes: number) => {
      if (share > 0) held.push(new Uint8Array(bytes * share));
      return 1n;
    },
    TF_TensorData: () => ADDRESS,
  });
  return { ...fake, held };
}

describe.skipIf(process.platform !== 'linux')('reserveFirstRegion (Linux tells what is allocated)', () => {
  it('is what the limit allows, where the library keeps the memory of a tensor that is freed', () => {
    const { native, named, held } = poolThatTakes(1);
    expect(reserveFirstRegion(native, 64)).toEqual({ address: ADDRESS, bytes: 64 * MIB });
    expect(named('TF_AllocateTensor')).toEqual([['TF_AllocateTensor', 4, [64 * MIB], 1, 64 * MIB]]);
    expect(named('TF_DeleteTensor')).toEqual([['TF_DeleteTensor', 1n]]);
    expect(held).toHaveLength(1);
  });

  it('is none where each tensor comes from the system and goes back', () => {
    const { native } = poolThatTakes(0);
    expect(reserveFirstRegion(native, 64)).toBeNull();
  });

  it('counts memory when it is taken, not when it is used', () => {
    const before = allocatedBytes()!;
    const held = new Uint8Array(512 * MIB);
    // Something else of this process may go meanwhile.
    expect(allocatedBytes()! - before).toBeGreaterThan(held.length / 2);
  });
});

it('is none where there is no memory for it', () => {
  const { native, named } = fakeNative({ TF_AllocateTensor: () => null });
  expect(reserveFirstRegion(native, 64)).toBeNull();
  expect(named('TF_DeleteTensor', 'TF_TensorData')).toEqual([]);
});
