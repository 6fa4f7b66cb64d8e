/** `codiff train --workers 2`: real processes, one of which is killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const FIXTURES = fileURLToPath(new URL('../../parity/fixtures/', import.meta.url));
const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'workers-'));
  mkdirSync(join(root, 'pretrained'));
  for (const name of ['configs', 'dataset']) cpSync(join(FIXTURES, name), join(root, name), { recursive: true });
  writeFileSync(join(root, 'dataset/image/image_64/0.jpg'), 'no image');
});
afterAll(() => rmSync(root, { recursive: true }));

interface Run {
  readonly child: ChildProcess;
  /** When it has printed this. */
  until(text: string): Promise<void>;
  readonly end: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

function codiff(...args: readonly string[]): Run {
  const tsx = import.meta.resolve('tsx', `file://${PACKAGE}`);
  const { NODE_OPTIONS: _, TF_CPP_MIN_LOG_LEVEL: __, ...env } = process.env;
  const command = ['--conditions=@codiff/source', '--import', tsx, MAIN, 'train', '-t', ...args];
  const child = spawn(process.execPath, command, { cwd: root, env });
  let [stdout, stderr] = ['', ''];
  const listeners = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
    for (const listener of listeners) listener();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const end: Run['end'] = new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  const until = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = () => (stdout.includes(text) ? resolve() : undefined);
      listeners.add(look);
      look();
      end.then(() => reject(new Error(`ended before it printed '${text}':\n${stdout}\n${stderr}`)));
    });
  return { child, until, end };
}

const unet = 'model.params.unet_config.params';
const firstStage = 'model.params.first_stage_config.params';
// What takes time is to compile: little to compile, and no short batch, which would be a second function.
const config = [
  ...['-b', 'configs/tiny_mask.yaml', '--log_every_n_steps', '1', '--num_sanity_val_steps', '0'],
  ...['--check_val_every_n_epoch', '1000', '--save_every', '2'],
  ...['data.params.train.params.test_dataset_size=4', 'data.params.num_workers=0'],
  ...[`${unet}.use_checkpoint=false`, `${unet}.channel_mult=[1]`, `${unet}.attention_resolutions=[]`],
  ...[`${firstStage}.ckpt_path=null`, `${firstStage}.ddconfig.ch_mult=[1,1,1]`],
  'lightning.callbacks.image_logger.params.disabled=true',
];

/** Processes that a process has started. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
const rankOf = (pid: number): number => {
  const task = readFileSync(`/proc/${pid}/environ`, 'utf8')
    .split('\0')
    .find((each) => each.startsWith('CODIFF_TRAIN_'));
  return (JSON.parse(task!.slice(task!.indexOf('=') + 1)) as { rank: number }).rank;
};

/** Losses by step. */
function curve(logdir: string): Map<number, number> {
  const [run] = readdirSync(join(root, logdir));
  const lines = readFileSync(join(root, logdir, run!, 'log.jsonl'), 'utf8')
    .trim()
    .split('\n');
  const entries = lines.map((line) => JSON.parse(line) as { step: number; scalars?: Record<string, number> });
  const steps = entries.flatMap(({ step, scalars }) => (scalars ? [{ step, scalars }] : []));
  expect(steps.map(({ step }) => step)).toEqual(steps.map((_, i) => i + 1));
  return new Map(steps.map(({ step, scalars }) => [step, scalars['train/loss']!]));
}

describe.skipIf(process.platform !== 'linux')('codiff train --workers 2', () => {
  it('ends within 30 s where a process is killed, goes on with --resume until one Ctrl-C, and has the curve of a batch twice as large', async () => {
    const run = codiff(...config, '-l', 'two', '--workers', '2', '--max_steps', '10000');
    await run.until('saved at step 2');
    const workers = childrenOf(run.child.pid!).filter((pid) => existsSync(`/proc/${pid}`));
    const victim = workers.find((pid) => rankOf(pid) === 1)!;
    const killed = performance.now();
    process.kill(victim, 'SIGKILL');
    const { code, stdout, stderr } = await run.end;
    expect(performance.now() - killed).toBeLessThan(30_000);
    expect(stderr).toContain(`codiff: process 1 (pid ${victim}) was ended by SIGKILL, so training stopped in all.`);
    expect(code).toBe(1);
    expect(stdout).toContain(' 1 (accumulate_grad_batches) * 2 (n_gpus) * 2 (batch_size)');
    for (const pid of workers) expect(existsSync(`/proc/${pid}`)).toBe(false);

    const [folder] = readdirSync(join(root, 'two'));
    const resumed = codiff('--resume', join('two', folder!), '--workers', '2');
    await resumed.until('resumed from');
    const steps = [...stdout.matchAll(/^epoch \d+ batch \d+ step (\d+)/gm)].map(([, step]) => Number(step));
    await resumed.until(`step ${steps.at(-1)! + 2} `);
    resumed.child.kill('SIGINT');
    const stopped = await resumed.end;
    expect([stopped.code, stopped.stderr]).toEqual([0, '']);
    expect(stopped.stdout).toMatch(/stopped after epoch \d+, step \d+: two\/.*last\.ckpt/);
    // The order of the data has the bad sample in either process's share by then.
    expect(stdout).toMatch(/warning: left out \(1\): .*0\.jpg/);
    expect(stdout).toMatch(/warning: process 1: left out \(1\): .*0\.jpg/);

    const two = curve('two');
    const last = Math.min([...two.keys()].at(-1)!, 12);
    expect(last).toBeGreaterThan(3);
    const single = codiff(...config, '-l', 'one', '--max_steps', String(last), 'data.params.batch_size=4');
    expect((await single.end).code).toBe(0);
    const one = curve('one');
    expect(one.size).toBe(last);
    for (const [step, loss] of one) expect(Math.abs(loss - two.get(step)!)).toBeLessThan(1e-5);
  }, 600_000);
});
