import { expect, it } from 'vitest';
import { runGrowth } from './run-growth.js';

const CONFIG = new URL('../../../../../configs/demo_text.yaml', import.meta.url).pathname;

it('measures batches and threads in turn, and leaves out what exceeds memory, saying so', async () => {
  const said: string[] = [];
  const { rows, tooLarge } = await runGrowth({
    ...{ name: 'unet', precision: 'float32', batches: [1, 512], threads: [1], warmUps: 1, runs: 2, memoryMiB: 200 },
    model: { config: CONFIG, recompute: false, full: false, ema: false, optimizer: false, steps: 1 },
    log: (line) => said.push(line),
  });
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({ name: 'unet', batch: 1, threads: 1, phase: 'forward', precision: 'float32' });
  expect(rows[0]!.medianMs).toBeGreaterThan(0);
  expect(tooLarge).toMatchObject([{ batch: 512, threads: 1 }]);
  expect(tooLarge[0]!.why).toMatch(/compile 'unet': a call needs about \d+ MiB.*memoryLimitMiB is 200/);
  expect(said.filter((line) => line.endsWith('ready'))).toHaveLength(1);
});
