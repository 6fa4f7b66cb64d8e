import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DemoRecord } from './record.js';
import { STAGES } from './stages.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let scratch: string;
let out: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'demo-'));
  out = join(scratch, 'out');
  // The demo's own configs, as narrow as the networks can be.
  const configs = join(scratch, 'configs');
  mkdirSync(configs);
  for (const { config } of STAGES) {
    const text = readFileSync(join(ROOT, config), 'utf8')
      .replace(/ch_mult: \[1, 1, 2\]/g, 'ch_mult: [1, 1, 1]')
      .replace(/model_channels: 64/g, 'model_channels: 32')
      .replace(/channel_mult: \[1, 2\]/g, 'channel_mult: [1]')
      .replace(/attention_resolutions: \[2\]/g, 'attention_resolutions: [1]');
    writeFileSync(join(configs, basename(config)), text);
  }
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function demo(...more: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const small = ['--quick', '--steps', '2', '--faces', '36', '--held-out', '20'];
  const place = ['--out', out, '--configs', join(scratch, 'configs')];
  const child = spawn(
    process.execPath,
    ['--conditions=@codiff/source', '--import', 'tsx', 'scripts/demo/main.ts', ...small, ...place, ...more],
    { cwd: ROOT },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const ended = new Promise<Ended>((resolve) => void child.on('close', (code) => resolve({ code, output })));
  return { child, ended };
}

const record = (): DemoRecord => JSON.parse(readFileSync(join(out, 'demo.json'), 'utf8')) as DemoRecord;

it('trains, measures, samples and reports; stopped, it goes on where it was', { timeout: 600_000 }, async () => {
  const first = demo();
  let running = true;
  void first.ended.then(() => {
    running = false;
  });
  const vaeDone = (): boolean => {
    try {
      return record().stages.vae?.heldOut !== undefined;
    } catch {
      return false;
    }
  };
  while (running && !vaeDone()) await new Promise((resolve) => setTimeout(resolve, 100));
  first.child.kill('SIGINT');
  const stopped = await first.ended;
  expect(stopped.output).toContain('the same command goes on there');
  expect(stopped.code).toBe(130);
  const vae = join(out, STAGES[0]!.checkpoint);
  const written = statSync(vae).mtimeMs;

  const { code, output } = await demo().ended;
  expect(output).toContain('faces are there');
  expect(code, output).toBe(0);
  expect(statSync(vae).mtimeMs).toBe(written);
  // One run a stage: none was begun twice.
  expect(readdirSync(join(out, 'logs'))).toHaveLength(STAGES.length);

  const { stages, codiff, samples } = record();
  for (const name of ['vae', 'text', 'mask'] as const) {
    const { heldOut, steps } = stages[name]!;
    expect(steps).toBe(2);
    expect(heldOut!.atEnd).toBeGreaterThan(0);
    expect(heldOut!.atEnd).not.toBe(heldOut!.atStart);
  }
  expect(codiff!.samples).toBe(20);
  expect(codiff!.mean.collaborative).toBeGreaterThan(0);
  expect(samples!.rows.map(({ images }) => images.length)).toEqual([4, 4, 4]);
  for (const path of samples!.rows.flatMap(({ images }) => images))
    expect(statSync(join(out, path)).size).toBeGreaterThan(99);
  expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('data:image/png;base64,');
  expect(output).toContain(join(out, 'report.html'));

  const again = await demo().ended;
  expect(again.code).toBe(0);
  expect(statSync(vae).mtimeMs).toBe(written);

  const other = await demo('--steps', '3').ended;
  expect(other.code).toBe(2);
  expect(other.output).toContain('--force');
});

it('keeps out of a folder that is not its own', { timeout: 60_000 }, async () => {
  const foreign = join(scratch, 'foreign');
  mkdirSync(foreign);
  writeFileSync(join(foreign, 'letter.txt'), 'mine');
  const { code, output } = await demo('--out', foreign).ended;
  expect(code).toBe(2);
  expect(output).toContain("letter.txt, which is not the demo's");
  expect(readdirSync(foreign)).toEqual(['letter.txt']);
});
