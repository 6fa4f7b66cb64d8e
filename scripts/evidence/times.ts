import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { atomicWriteText } from '@codiff/ldm-core/node';

const FILE = 'times.json';

/** Wall time by part of the work, in seconds, over all runs of a folder. */
export class Times {
  private constructor(
    private readonly path: string,
    private readonly all: Record<string, number>,
  ) {}

  /** Those of a folder's earlier runs. */
  static of(folder: string): Times {
    const path = join(folder, FILE);
    const before = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, number>) : {};
    return new Times(path, before);
  }

  /** Seconds so far. */
  get seconds(): Readonly<Record<string, number>> {
    return this.all;
  }

  /** Do a part of the work; what it took counts also where it is stopped. */
  async of<T>(part: string, work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      return await work();
    } finally {
      const seconds = (this.all[part] ?? 0) + (performance.now() - began) / 1000;
      this.all[part] = Math.round(10 * seconds) / 10;
      await atomicWriteText(this.path, `${JSON.stringify(this.all, null, 1)}\n`);
    }
  }
}
