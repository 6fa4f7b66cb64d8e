/** Several processes that work together, as real processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type AddressInfo, connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { EngineErrorCode } from '../src/errors.js';
import { freePorts } from './support/free-ports.js';

const PROGRAM = fileURLToPath(new URL('./children/collective.ts', import.meta.url));

interface Report {
  readonly index: number;
  readonly sums: number[][];
  readonly mean: number[][];
  readonly small: number[];
  readonly hash: string;
  readonly twice: string;
  readonly error?: { readonly isEngineError: boolean; readonly code: EngineErrorCode; readonly message: string };
  readonly waitedMs?: number;
}

interface Process {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  readonly end: Promise<{ signal: NodeJS.Signals | null; code: number | null; stdout: string; stderr: string }>;
}

function start(args: readonly string[]): Process {
  const { NODE_OPTIONS: _, TF_CPP_MIN_LOG_LEVEL: __, ...env } = process.env;
  const child = spawn(process.execPath, ['--conditions=@codiff/source', '--import', 'tsx', PROGRAM, ...args], { env });
  let [stdout, stderr] = ['', ''];
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const end: Process['end'] = new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
      resolve();
    });
    end.then(() => reject(new Error(stderr)));
  });
  ready.catch(() => undefined);
  return { child, ready, end };
}

/** Run a cluster. @param meanwhile what to do once all are up */
async function cluster(then: string, meanwhile: (ports: number[]) => Promise<void> = async () => undefined) {
  const ports = await freePorts(2);
  const tasks = ports.map((port) => `127.0.0.1:${port}`).join(',');
  const processes = ports.map((_, index) => start([String(index), tasks, then]));
  await Promise.all(processes.map(({ ready }) => ready));
  await meanwhile(ports);
  for (const { child } of processes) child.stdin!.end('go');
  const ends = await Promise.all(processes.map(({ end }) => end));
  return ends.map(({ stdout, stderr, signal, code }) => {
    const line = stdout.trim().split('\n').at(-1)!;
    return { stderr, signal, code, report: line.startsWith('{') ? (JSON.parse(line) as Report) : undefined };
  });
}

const answers = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2000 });
    const end = (open: boolean) => () => {
      socket.destroy();
      resolve(open);
    };
    socket.on('connect', end(true)).on('error', end(false)).on('timeout', end(false));
  });

describe.skipIf(process.platform !== 'linux')('two processes', () => {
  it('get the sums and means of both, the same bits, are reachable from this machine alone, and can be told to stop', async () => {
    const ends = await cluster('abort', async ([port]) => {
      expect(await answers('127.0.0.1', port!)).toBe(true);
      const outside = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
      const address = outside.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
      if (address !== undefined) expect(await answers(address, port!)).toBe(false);
    });
    expect(ends.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    const [a, b] = ends.map(({ report }) => report!);
    for (const { sums, mean, twice } of [a!, b!]) {
      expect(sums).toEqual([[3, 3, 3, 3], [10], [1, 14]]);
      expect(mean).toEqual([[1.5, 1.5, 1.5, 1.5], [5]]);
      expect(twice).toMatch(/compile '.*': allReduce 'x' is in the function a second time.*name of its own/);
    }
    expect(a!.hash).toBe(b!.hash);
    let x = 0.5;
    for (let i = 0; i < 3; i++) x -= (0.1 * (Math.sin(x) + Math.sin(x + 1))) / 2;
    for (const value of a!.small) expect(value).toBeCloseTo(x, 6);
    expect(b!.error).toMatchObject({ isEngineError: true, code: 'aborted' });
    expect(b!.error!.message).toContain('the watcher said so');
    expect(b!.waitedMs).toBeGreaterThan(100);
  }, 60_000);

  it('end with an error within seconds where the other one is killed', async () => {
    const [survivor, killed] = await cluster('kill');
    expect(killed!.signal).toBe('SIGKILL');
    const { error, waitedMs } = survivor!.report!;
    expect(error).toMatchObject({ isEngineError: true, code: 'unavailable' });
    expect(error!.message).toMatch(
      /^step: the all-reduce with the other processes ended: process 1 of the cluster was lost: .*start all of them again/,
    );
    expect(error!.message).not.toContain('\n');
    expect(waitedMs).toBeLessThan(10_000);
  }, 60_000);

  it('say so where a port is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await start(['0', `127.0.0.1:${port}`, 'end']).end;
    server.close();
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/EngineError: useEngine: cluster: no server at 127\.0\.0\.1:\d+: .*Give this task a port/);
  }, 60_000);
});

it('allReduce in a process that works alone says how to work together', async () => {
  const { allReduce, useEngine } = await import('../src/index.js');
  const tf = await import('@tensorflow/tfjs-core');
  await useEngine({ device: 'cpu' });
  expect(() => allReduce([tf.scalar(1)], { name: 'x' })).toThrow(
    /works alone; start the engine with useEngine\(\{ cluster/,
  );
});
