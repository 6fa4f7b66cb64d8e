import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import { describe, expect, it } from 'vitest';
import { touchPages } from './touch-pages.js';

const MIB = 2 ** 20;
const residentMiB = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]) / 1024;
const addressOf = (bytes: Uint8Array) => BigInt(koffi.address(bytes));
const populates = (() => {
  if (process.platform !== 'linux') return false;
  const [major, minor] = readFileSync('/proc/sys/kernel/osrelease', 'latin1').split('.').map(Number);
  return major! > 5 || (major === 5 && minor! >= 14);
})();

describe.skipIf(!populates)('touchPages (Linux 5.14 or newer)', () => {
  it('has as many pages there as asked for, in more than one call, and no others', async () => {
    const bytes = new Uint8Array(400 * MIB);
    const before = residentMiB();
    await touchPages({ address: addressOf(bytes), bytes: bytes.length }, 200 * MIB);
    const grown = residentMiB() - before;
    expect(grown).toBeGreaterThan(190);
    expect(grown).toBeLessThan(300);
    expect(bytes[5 * MIB]).toBe(0);
  });

  it('leaves what is written there, also beyond the region, which ends what it touches', async () => {
    const bytes = new Uint8Array(100 * MIB);
    for (let i = 0; i < bytes.length; i += 4096) bytes[i] = i / 4096;
    const before = residentMiB();
    await touchPages({ address: addressOf(bytes), bytes: 90 * MIB }, 10 ** 12);
    expect(residentMiB() - before).toBeLessThan(50);
    for (let i = 0; i < bytes.length; i += 4096)
      if (bytes[i] !== (i / 4096) % 256) throw new Error(`byte ${i} changed`);
  });
});

it("takes no error from a region that is nobody's: the system declines", async () => {
  await expect(touchPages({ address: 2n ** 45n, bytes: 100 * MIB }, 100 * MIB)).resolves.toBeUndefined();
});
